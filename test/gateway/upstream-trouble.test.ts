/** What the caller is told, and charged, when Ollama fails. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '../../src/testing/index.js';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
let disarm: (() => void) | undefined;
beforeAll(async () => {
  rig = await startRig();
});
afterEach(() => disarm?.());
afterAll(() => rig.close());

const COUNT = { model: 'gpt-4', messages: [{ role: 'user', content: 'Count from 1 to 60' }] };
const NATIVE = { ...COUNT, model: 'llama2' };
const chat = (key: string, body: object) => send(rig.url, '/openai/v1/chat/completions', { key, body });

const usedBy = async (id: string) => {
  const hour = new Date().toISOString().slice(0, 13);
  const [tokens, requests] = await rig.store.counters(id, [
    `openai:tokens:hour:${hour}`,
    `openai:requests:hour:${hour}`,
  ]);
  return { tokens: tokens!.used, requests: requests!.used, held: tokens!.held + requests!.held };
};

const BEFORE_ANY_BYTE: [string, Fault, number, string][] = [
  ['refused', { kind: 'refuse' }, 502, 'upstream_unavailable'],
  [
    '500',
    { kind: 'status', status: 500, error: 'model runner has unexpectedly stopped' },
    502,
    'upstream_error',
  ],
  ['queue full', { kind: 'queue-full' }, 503, 'server_is_overloaded'],
  [
    'an error as its first line',
    { kind: 'error-line', afterTokens: 0, error: 'boom' },
    502,
    'upstream_error',
  ],
  ['nothing at all', { kind: 'eof', afterTokens: 0 }, 502, 'upstream_error'],
  ['junk', { kind: 'garbage', afterTokens: 0 }, 502, 'upstream_error'],
];

test.each(BEFORE_ANY_BYTE.flatMap((row) => [false, true].map((stream) => [...row, stream] as const)))(
  '%s before any byte is a status, and costs nothing (%#)',
  async (_, fault, status, code, stream) => {
    const { key, id } = await rig.user();
    disarm = rig.simulator.fail(fault);
    const reply = await chat(key, { ...COUNT, stream });
    expect(reply.status).toBe(status);
    expect(reply.headers['content-type']).toContain('application/json');
    expect(reply.json).toMatchObject({ error: { code, message: expect.any(String) } });
    expect(reply.text).not.toContain('127.0.0.1');
    expect(await usedBy(id)).toEqual({ tokens: 0, requests: 0, held: 0 });
  },
);

test('503 carries Retry-After', async () => {
  const { key } = await rig.user();
  disarm = rig.simulator.fail({ kind: 'queue-full' });
  expect(Number((await chat(key, COUNT)).headers['retry-after'])).toBeGreaterThanOrEqual(1);
});

const MID_STREAM: [string, Fault][] = [
  ['an error line', { kind: 'error-line', afterTokens: 20, error: 'boom' }],
  ['a reset', { kind: 'reset', afterTokens: 20 }],
  ['junk', { kind: 'garbage', afterTokens: 20 }],
];

test.each(MID_STREAM)(
  '%s mid-stream: the text so far, one error event, no [DONE]; charged',
  async (_, fault) => {
    const { key, id } = await rig.user();
    rig.simulator.pace = 1;
    disarm = rig.simulator.fail(fault);
    const { status, text } = await chat(key, { ...COUNT, stream: true });
    rig.simulator.pace = 0;
    expect(status).toBe(200);
    const events = text
      .split('\n\n')
      .filter((event) => event !== '')
      .map((event) => JSON.parse(event.replace('data: ', '')));
    expect(events.at(-1)).toMatchObject({ error: { type: 'server_error', message: expect.any(String) } });
    expect(
      events.slice(0, -1).every((event) => event.error === undefined && !event.choices[0].finish_reason),
    ).toBe(true);
    expect(events.length).toBeGreaterThan(15);
    expect(text).not.toContain('[DONE]');
    const used = await usedBy(id);
    expect(used).toMatchObject({ requests: 1, held: 0 });
    expect(used.tokens).toBeGreaterThanOrEqual(20);
    expect((await rig.history(id))[0]).toMatchObject({ requests: 1, errors: 1 });
  },
);

test.each(MID_STREAM)(
  '%s while a whole answer is made: 502, charged for what was generated',
  async (_, fault) => {
    const { key, id } = await rig.user();
    rig.simulator.pace = 1;
    disarm = rig.simulator.fail(fault);
    const reply = await chat(key, COUNT);
    rig.simulator.pace = 0;
    expect(reply.status).toBe(502);
    const used = await usedBy(id);
    expect(used.requests).toBe(1);
    expect(used.tokens).toBeGreaterThanOrEqual(20);
  },
);

describe('an end without done is an end, as Ollama makes it where a model repeats itself', () => {
  const end = async () => {
    const { key, id } = await rig.user();
    rig.simulator.pace = 1;
    disarm = rig.simulator.fail({ kind: 'eof', afterTokens: 20 });
    return { key, id };
  };
  afterEach(() => {
    rig.simulator.pace = 0;
  });

  test('streamed: the text, a finish, [DONE]; charged as estimated', async () => {
    const { key, id } = await end();
    const { status, text } = await chat(key, {
      ...COUNT,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(status).toBe(200);
    const events = text.split('\n\n').filter((event) => event.startsWith('data: {'));
    const [finish, usage] = events.slice(-2).map((event) => JSON.parse(event.replace('data: ', '')));
    expect(finish.choices).toMatchObject([{ delta: {}, finish_reason: 'stop' }]);
    expect(usage.usage.completion_tokens).toBeGreaterThanOrEqual(20);
    expect(usage.usage.prompt_tokens).toBeGreaterThan(0);
    expect(text).toMatch(/\[DONE\]\n\n$/);
    expect(text).not.toContain('error');
    const used = await usedBy(id);
    expect(used).toMatchObject({ requests: 1, held: 0, tokens: usage.usage.total_tokens });
    expect((await rig.history(id))[0]).toMatchObject({ requests: 1, errors: 0 });
  });

  test('whole, and native in both ways', async () => {
    const { key } = await end();
    const { json } = await chat(key, COUNT);
    expect(json).toMatchObject({
      choices: [{ message: { content: expect.stringContaining('1, 2, 3') }, finish_reason: 'stop' }],
    });
    const whole = await send(rig.url, '/ollama/api/chat', { key, body: { ...NATIVE, stream: false } });
    expect(whole.json).toMatchObject({
      message: { role: 'assistant', content: expect.stringContaining('1, 2, 3') },
      done: true,
      done_reason: 'stop',
      eval_count: expect.any(Number),
    });
    const { text } = await send(rig.url, '/ollama/api/chat', { key, body: NATIVE });
    const lines = text.trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ done: true, done_reason: 'stop' });
    expect(JSON.parse(lines.at(-2)!)).toMatchObject({ done: false });
  });

  test('is `length` where as many tokens came as were asked for', async () => {
    const { key } = await end();
    const { json } = await chat(key, { ...COUNT, max_tokens: 20 });
    expect(json).toMatchObject({ choices: [{ finish_reason: 'length' }] });
  });
});

test("native streams say it in a line, and ollama's clients read it as an error", async () => {
  const { key } = await rig.user();
  rig.simulator.pace = 1;
  disarm = rig.simulator.fail({ kind: 'error-line', afterTokens: 5, error: 'boom' });
  const { text } = await send(rig.url, '/ollama/api/chat', { key, body: NATIVE });
  rig.simulator.pace = 0;
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.at(-1)).toEqual({ error: expect.any(String) });
  expect(lines.at(-2).done).toBe(false);
});

test("an unknown model is 404 under the client's own name for it, in both dialects", async () => {
  const { key } = await rig.user();
  const openai = await chat(key, { ...COUNT, model: 'no-such-model' });
  expect(openai.status).toBe(404);
  expect(openai.json).toMatchObject({
    error: { code: 'model_not_found', message: expect.stringContaining('no-such-model') },
  });
  const native = await send(rig.url, '/ollama/api/chat', {
    key,
    body: { ...NATIVE, model: 'no-such-model' },
  });
  expect(native.status).toBe(404);
  expect(native.json).toEqual({ error: expect.stringContaining('no-such-model') });
});

test('a mapping to a model that is gone names the mapping', async () => {
  const { key } = await rig.user();
  rig.simulator.models.remove('llama2:70b');
  const reply = await chat(key, COUNT);
  rig.simulator.models.add({ name: 'llama2:70b' });
  expect(reply.status).toBe(404);
  expect(reply.text).toContain('gpt-4');
  expect(reply.text).not.toContain('llama2:70b');
});

test('with the upstream gone the gateway is alive but not ready', async () => {
  const own = await startRig();
  expect((await send(own.url, '/readyz')).status).toBe(200);
  const { key } = await own.user();
  await own.simulator.close();
  expect((await send(own.url, '/openai/v1/chat/completions', { key, body: COUNT })).status).toBe(502);
  expect((await send(own.url, '/openai/v1/models', { key })).status).toBe(502);
  expect((await send(own.url, '/healthz')).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  const ready = await send(own.url, '/readyz');
  expect(ready.status).toBe(503);
  expect(ready.json).toMatchObject({ checks: { store: 'ok', upstream: 'unavailable' } });
  await own.close();
});
