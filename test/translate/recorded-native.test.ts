/** The native side against a real Ollama: what it streamed, collected, is what it answered whole. */
import { describe, expect, it } from 'vitest';
import {
  collector,
  goJson,
  type NativeChunk,
  type NativeToolCall,
  readNativeChat,
  readNativeEmbed,
  readNativeEmbeddings,
  readNativeGenerate,
} from '../../src/core/translate/index.js';
import { inOllamasOrder } from '../../src/core/translate/native/order.js';
import { CONTEXT, collected, linesOf, recorded, recording, requestOf } from './recordings.js';

/** Sampled answers differ from run to run. */
const SAMPLED = ['chat-schema'];

/** Dates, durations and call ids, which differ from run to run. */
function masked(chunk: NativeChunk): NativeChunk {
  const hide = (call: NativeToolCall) => ({ ...call, id: 'call' });
  const copy: NativeChunk = { ...chunk, created_at: 'date' };
  if (copy.message?.tool_calls)
    copy.message = { ...copy.message, tool_calls: copy.message.tool_calls.map(hide) };
  return copy;
}

const DURATIONS = ['total_duration', 'load_duration', 'prompt_eval_duration', 'eval_duration'];

const withoutDurations = (chunk: NativeChunk): NativeChunk =>
  Object.fromEntries(Object.entries(masked(chunk)).filter(([key]) => !DURATIONS.includes(key)));

const streamed = recorded('native', 'native.stream').filter((name) => !SAMPLED.includes(name));

describe('a collected stream, put in order, is the whole answer', () => {
  it.each(streamed)('%s', (name) => {
    const ours = withoutDurations(
      inOllamasOrder(collected(recording(`${name}.native.stream`).response.body)),
    );
    const theirs = withoutDurations(JSON.parse(recording(`${name}.native`).response.body) as NativeChunk);
    expect(goJson(ours)).toBe(goJson(theirs));
  });
});

describe('an answer that was read and written again is the same bytes', () => {
  it.each(recorded('native').filter((name) => /^(chat|generate)-/.test(name)))('%s', (name) => {
    const { body } = recording(`${name}.native`).response;
    expect(goJson(collected(body)).replaceAll('\\u0085', '\u0085')).toBe(body);
  });
});

describe('a recorded request is read and written again as it was', () => {
  const READERS = {
    '/api/chat': readNativeChat,
    '/api/generate': readNativeGenerate,
    '/api/embed': readNativeEmbed,
    '/api/embeddings': readNativeEmbeddings,
  };
  const DIFFERENT: Record<string, string> = {
    'chat-bad-role': 'refused',
    'chat-body-odd-case': 'refused',
    'chat-num-predict-zero': 'no limit is left out',
    'chat-num-predict-minus-one': 'no limit is left out',
    'generate-unload': 'has no prompt, and gets an empty one',
    'chat-tool-answer': 'gets the index of its call',
  };
  const names = recorded('native').filter(
    (name) =>
      Object.hasOwn(READERS, recording(`${name}.native`).request.path) && !Object.hasOwn(DIFFERENT, name),
  );

  it.each(names)('%s', (name) => {
    const { path } = recording(`${name}.native`).request;
    const { stream: _stream, ...body } = requestOf(`${name}.native`) as Record<string, unknown>;
    const exchange = READERS[path as keyof typeof READERS](requestOf(`${name}.native`));
    expect(exchange.endpoint).toBe(path);
    expect(exchange.calls.map(({ request }) => request)).toEqual([body]);
  });
});

describe('a native stream is relayed byte for byte', () => {
  it.each(recorded('native.stream'))('%s', (name) => {
    const { body } = recording(`${name}.native.stream`).response;
    const encoder = readNativeChat({ model: 'tiny', messages: [] }).encoder(CONTEXT);
    const relayed = linesOf(body).map(({ chunk, line }) => encoder.write(0, chunk, line));
    expect(relayed.join('') + encoder.end()).toBe(body);
    expect(relayed.every((line) => Buffer.isBuffer(line))).toBe(true);
  });
});

describe('a load answer', () => {
  it('is one document without a line feed, whole even where a stream was asked for', () => {
    const { body, headers } = recording('chat-no-messages.native.stream').response;
    expect(headers['content-type']).toMatch('application/json');
    const exchange = readNativeChat(requestOf('chat-no-messages.native.stream'));
    expect(exchange).toMatchObject({ load: true, stream: false });
    const whole = collector();
    for (const { chunk } of linesOf(body)) whole.write(chunk);
    expect(String(exchange.whole([{ value: whole.value() }], CONTEXT))).toBe(body);
  });
});
