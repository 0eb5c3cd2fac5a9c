/** The answer to one request is the same text however it is asked for: whole, streamed, and by Ollama itself. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type NativeChunk,
  readChatCompletion,
  readCompletion,
  readGuideChat,
  readResponse,
} from '../../src/core/translate/index.js';
import { type Rig, send, startRig } from '../support/gateway.js';
import { CONTEXT } from '../translate/recordings.js';
import { edge } from './support/json.js';
import { eventsOf } from './support/oracle.js';
import { check, checkAsync, SLOW } from './support/runs.js';

let rig: Rig;
let key: string;
beforeAll(async () => {
  rig = await startRig();
  ({ key } = await rig.user('admin'));
});
afterAll(() => rig.close());

const tool = (name: string) => ({
  type: 'function',
  function: {
    name,
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
});

const prompt = fc.oneof(
  fc.constantFrom(
    ...[
      'Hello!',
      'Tell me a story',
      'Say nothing',
      'Say something in many scripts',
      'Show me special characters',
    ],
    ...[
      'Count from 1 to 40',
      'What is 6 times 7? Think first',
      'What is the weather in Paris?',
      'Give me JSON about Paris',
    ],
    ...['Check the weather in Oslo', 'Write a hello world program in Python'],
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
);

const request = fc.record({
  model: fc.constantFrom('tiny', 'tiny-think', 'gpt-4'),
  system: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
  prompt,
  max: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  stop: fc.option(fc.constantFrom(' ', 'a', '\n', '10'), { nil: undefined }),
  tools: fc.boolean(),
  choices: fc.integer({ min: 1, max: 2 }),
  usage: fc.boolean(),
});

interface Message {
  content: string | null;
  reasoning?: string;
  tool_calls?: { function: object }[];
}
interface Choice {
  index: number;
  finish_reason: string | null;
  message: Message;
  delta: Message;
}

/** What a stream has said, put together again. */
function spoken(events: { choices: Choice[] }[], index: number): unknown {
  const mine = events.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
  const joined = (key: 'content' | 'reasoning') => mine.map(({ delta }) => delta[key] ?? '').join('');
  return {
    content: joined('content'),
    reasoning: joined('reasoning'),
    calls: mine.flatMap(({ delta }) => (delta.tool_calls ?? []).map((call) => call.function)),
    reason: mine.map((choice) => choice.finish_reason).filter(Boolean),
  };
}

test('a chat is the same whole, streamed and from Ollama itself', SLOW, async () => {
  const property = fc.asyncProperty(
    request,
    async ({ model, system, prompt, max, stop, tools, choices, usage }) => {
      const messages = [
        ...(system ? [{ role: 'system', content: system }] : []),
        { role: 'user', content: prompt },
      ];
      const body = {
        ...{ model, messages, stop, n: choices, seed: 1, temperature: 0, max_tokens: max },
        tools: tools ? [tool('get_weather')] : undefined,
      };
      const path = '/openai/v1/chat/completions';
      const whole = (await send(rig.url, path, { key, body })).json as { choices: Choice[]; usage: object };
      rig.simulator.requests.length = 0;
      const stream_options = { include_usage: usage };
      const streamed = await send(rig.url, path, { key, body: { ...body, stream: true, stream_options } });
      const events = eventsOf(streamed) as unknown as { choices: Choice[]; usage?: object }[];
      const sent = [...rig.simulator.requests];

      for (const { index, message, finish_reason } of whole.choices) {
        expect(spoken(events, index)).toEqual({
          content: message.content ?? '',
          reasoning: message.reasoning ?? '',
          calls: (message.tool_calls ?? []).map((call) => call.function),
          reason: [finish_reason],
        });
        const again = { ...(sent[index]!.body as object), stream: false };
        const native = (await send(rig.simulator.url, '/api/chat', { body: again })).json as NativeChunk;
        expect(native.message!.content).toBe(message.content ?? '');
        expect(native.message!.thinking ?? '').toBe(message.reasoning ?? '');
      }
      if (usage) expect(events.at(-1)!.usage).toEqual(whole.usage);
      if (max !== undefined)
        expect(whole.usage).toHaveProperty(
          'completion_tokens',
          expect.toSatisfy((n) => n <= max * choices),
        );
    },
  );
  await checkAsync(property, 60);
});

const messages = [{ role: 'user', content: 'a' }];
const EXCHANGES = [
  readChatCompletion({ model: 'm', messages, stream: true, logprobs: true, top_logprobs: 1 }),
  readCompletion({ model: 'm', prompt: 'a', stream: true, logprobs: 1 }),
  readResponse({ model: 'm', input: 'a', stream: true, include: ['message.output_text.logprobs'] }),
  readGuideChat({ model: 'm', messages, stream: true }),
];

test('any chunk of an upstream can be written', () => {
  const odd = edge.map((json) => JSON.parse(json) as unknown);
  const record = (keys: Record<string, fc.Arbitrary<unknown>>) => fc.record(keys, { requiredKeys: [] });
  const logprob = record({
    token: odd,
    logprob: odd,
    bytes: odd,
    top_logprobs: fc.oneof(odd, fc.array(odd)),
  });
  const call = record({
    id: odd,
    function: fc.oneof(odd, record({ name: odd, arguments: odd, index: odd })),
  });
  const chunk = record({
    message: fc.oneof(
      odd,
      record({ content: odd, thinking: odd, tool_calls: fc.oneof(odd, fc.array(call)) }),
    ),
    response: odd,
    logprobs: fc.oneof(odd, fc.array(fc.oneof(odd, logprob))),
    done_reason: odd,
    created_at: odd,
    prompt_eval_count: odd,
    eval_count: odd,
  });
  check(
    fc.property(fc.constantFrom(...EXCHANGES), fc.array(chunk, { maxLength: 3 }), (exchange, chunks) => {
      const encoder = exchange.encoder(CONTEXT);
      const written = [...chunks, { done: true }].map((each) => encoder.write(0, each as NativeChunk));
      const text = written.join('') + encoder.end();
      for (const line of text.split('\n')) {
        const json = line.replace(/^(data|event): /, '');
        if (json.startsWith('{')) expect(JSON.parse(json)).toBeTypeOf('object');
      }
      for (const each of chunks) JSON.stringify(exchange.whole([{ value: each as NativeChunk }], CONTEXT));
    }),
    500,
  );
});
