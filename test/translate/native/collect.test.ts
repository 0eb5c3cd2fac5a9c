import { describe, expect, it } from 'vitest';
import {
  collector,
  goJson,
  isDone,
  type NativeChunk,
  parseChunk,
  tokenCounts,
} from '../../../src/core/translate/index.js';
import { inOllamasOrder } from '../../../src/core/translate/native/order.js';

function collect(...chunks: NativeChunk[]): NativeChunk {
  const whole = collector();
  for (const chunk of chunks) whole.write(chunk);
  return whole.value();
}
const say = (content: string, more: object = {}): NativeChunk => ({
  model: 'm',
  message: { role: 'assistant', content, ...more },
  done: false,
});

describe('collector', () => {
  it('concatenates content, reasoning, calls and logprobs onto the last chunk', () => {
    const call = { function: { name: 'f', arguments: {} } };
    const value = collect(
      { ...say('', { thinking: 'a' }), logprobs: [{ token: 'a', logprob: -1 }] },
      say('', { thinking: 'b' }),
      { ...say('c', { tool_calls: [call] }), logprobs: [{ token: 'c', logprob: -2 }] },
      { ...say('d', { tool_calls: [call] }), done: true, done_reason: 'stop', eval_count: 3 },
    );
    expect(goJson(inOllamasOrder(value))).toBe(
      goJson({
        model: 'm',
        message: { role: 'assistant', content: 'cd', thinking: 'ab', tool_calls: [call, call] },
        done: true,
        done_reason: 'stop',
        logprobs: [
          { token: 'a', logprob: -1 },
          { token: 'c', logprob: -2 },
        ],
        eval_count: 3,
      }),
    );
  });

  it('puts the keys of generate in their order, and those it does not know at the end', () => {
    const value = collect(
      { model: 'm', response: 'a', thinking: 't', done: false, logprobs: [{ token: 'a', logprob: 0 }] },
      { model: 'm', new_field: 1, eval_count: 1, response: '', done: true, context: [1] },
    );
    expect(Object.keys(inOllamasOrder(value))).toEqual([
      'model',
      'response',
      'thinking',
      'done',
      'context',
      'eval_count',
      'logprobs',
      'new_field',
    ]);
  });

  it('keeps the digits of tool call arguments', () => {
    const line =
      '{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"n":9007199254740993}}}]},"done":true}';
    expect(goJson(collect(parseChunk(Buffer.from(line))))).toBe(line);
  });

  it('keeps a document that is no generation', () => {
    const embeddings = { model: 'm', embeddings: [[0.1]], prompt_eval_count: 1 };
    expect(collect(embeddings)).toEqual(embeddings);
  });

  it('says nothing of the end where there was none', () => {
    expect(isDone(collect(say('a'), say('b')))).toBe(false);
    expect(isDone({ done_reason: 'stop' })).toBe(true);
    expect(isDone({ done: true })).toBe(true);
    expect(isDone({ done_reason: '' })).toBe(false);
  });
});

describe('tokenCounts', () => {
  it('takes absent counts for zero and never more cached than there was', () => {
    expect(tokenCounts({})).toEqual({ prompt: 0, completion: 0 });
    expect(tokenCounts({ prompt_eval_count: 5, eval_count: 2, prompt_eval_cached_count: 9 })).toEqual({
      prompt: 5,
      completion: 2,
      cached: 5,
    });
  });
});
