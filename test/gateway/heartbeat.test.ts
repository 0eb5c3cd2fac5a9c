/** Streams that have nothing to say for long: a model is loading, or reads a long prompt. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { streamText } from 'ai';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
let key: string;
let disarm: (() => void)[] = [];
beforeAll(async () => {
  rig = await startRig({ config: { server: { heartbeat: 1 } } });
  ({ key } = await rig.user('admin'));
});
afterEach(() => {
  for (const take of disarm) take();
  disarm = [];
  rig.simulator.firstToken = 0;
});
afterAll(() => rig.close());

const messages = [{ role: 'user' as const, content: 'Hello!' }];
/** A comment line, and no empty line: that would be an event without data to openai-go. */
const PING = ':\n';
const PATHS: [string, object][] = [
  ['/openai/v1/chat/completions', { messages }],
  ['/openai/v1/completions', { prompt: 'Hello!' }],
  ['/openai/v1/responses', { input: 'Hello!' }],
];

test.each(PATHS)('%s: comments fill the wait, and the answer comes whole', async (path, body) => {
  rig.simulator.firstToken = 2_500;
  const { status, headers, text } = await send(rig.url, path, {
    key,
    body: { model: 'gpt-4', ...body, stream: true },
  });
  expect(status).toBe(200);
  expect(headers['content-type']).toContain('text/event-stream');
  expect(text.startsWith(PING + PING)).toBe(true);
  expect(text).toContain('today');
  expect(text.trimEnd().split('\n\n').at(-1)).toMatch(/\[DONE\]|response\.completed/);
});

test('the real client does not see them', async () => {
  rig.simulator.firstToken = 1_500;
  const client = new OpenAI({ apiKey: key, baseURL: `${rig.url}/openai/v1`, maxRetries: 0 });
  const [chat, response] = await Promise.all([
    client.chat.completions.stream({ model: 'gpt-4', messages }).finalContent(),
    client.responses.stream({ model: 'gpt-4', input: 'Hello!' }).finalResponse(),
  ]);
  expect(chat).toBe('Hi! How can I help you today?');
  expect(response.output_text).toBe(chat);
});

/**
 * What a reader of events makes of a text, as openai-go does it: every empty line ends an event, and each event has to be
 * JSON.
 */
function eventsAsGoReadsThem(text: string): string[] {
  const events: string[] = [];
  let data = '';
  for (const line of text.split('\n').slice(0, -1)) {
    if (line === '') {
      events.push(data);
      data = '';
    } else if (line.startsWith('data:')) data += line.slice(5).replace(/^ /, '');
  }
  return events;
}

/** As the HTML standard has it, which EventSource, the AI SDK and most others follow. */
function eventsOfTheStandard(text: string): string[] {
  return text
    .split('\n\n')
    .map((block) => block.split('\n').filter((line) => line.startsWith('data:')))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n'));
}

test.each(PATHS)(
  '%s: readers that are strict about empty lines find JSON in every event',
  async (path, body) => {
    rig.simulator.firstToken = 1_500;
    const { text } = await send(rig.url, path, { key, body: { model: 'gpt-4', ...body, stream: true } });
    expect(text).toContain(PING);
    const events = eventsAsGoReadsThem(text);
    expect(events).toEqual(eventsOfTheStandard(text));
    for (const event of events) if (event !== '[DONE]') expect(JSON.parse(event)).toBeTypeOf('object');
    // Continue and others take that word for the end.
    expect(text).not.toContain('ping');
  },
);

test("the AI SDK's client does not see them", async () => {
  rig.simulator.firstToken = 1_500;
  const provider = createOpenAICompatible({
    name: 'parallama',
    baseURL: `${rig.url}/openai/v1`,
    apiKey: key,
  });
  const { text } = streamText({ model: provider('gpt-4'), prompt: 'Hello!' });
  expect(await text).toBe('Hi! How can I help you today?');
});

test.each(PATHS)('%s: a failure after a comment is an event, as the status is out', async (path, body) => {
  disarm = [
    rig.simulator.fail({ kind: 'slow-load', ms: 1_500 }),
    rig.simulator.fail({ kind: 'error-line', afterTokens: 0, error: 'boom' }),
  ];
  const { status, text } = await send(rig.url, path, {
    key,
    body: { model: 'gpt-4', ...body, stream: true },
  });
  expect(status).toBe(200);
  expect(text.startsWith(PING)).toBe(true);
  expect(text).toContain(path.endsWith('responses') ? 'event: response.failed' : '{"error":{');
  expect(text).not.toContain('[DONE]');
});

test.each([
  ['/ollama/api/chat', { model: 'llama2', messages }],
  ['/ollama/v1/chat', { model: 'llama2', messages, stream: true }],
])('%s: none in NDJSON, which breaks on blank lines', async (path, body) => {
  rig.simulator.firstToken = 1_500;
  const { status, text } = await send(rig.url, path, { key, body });
  expect(status).toBe(200);
  for (const line of text.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
});

test('a whole answer waits without them', async () => {
  rig.simulator.firstToken = 1_500;
  const reply = await send(rig.url, '/openai/v1/chat/completions', {
    key,
    body: { model: 'gpt-4', messages },
  });
  expect(reply.json).toMatchObject({ object: 'chat.completion' });
});
