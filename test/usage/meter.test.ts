import { expect, test } from 'vitest';
import type { NativeCall } from '../../src/core/translate/types.js';
import { createMeter } from '../../src/core/usage/meter.js';

const call = (prompt: string): NativeCall => ({
  request: { model: 'm', prompt },
});
const CALLS = [call('one'), call('two'), call('three')] as const;
const chunk = { response: 'x', done: false };
const end = (prompt_eval_count?: number, eval_count?: number) => ({
  done: true,
  prompt_eval_count,
  eval_count,
});

/** Prompts of 40 tokens at most, most likely 30; one is evaluated in each millisecond. */
function start() {
  const clock = { time: 0 };
  const learned: number[] = [];
  const meter = createMeter({
    held: 120,
    estimateOf: () => ({ expected: 30, held: 40 }),
    evaluated: (expected, elapsed) => Math.min(expected, elapsed),
    observe: (_call, _chunk, tokens) => learned.push(tokens),
    now: () => clock.time,
  });
  return { meter, clock, learned };
}

test('before the first chunk a prompt is charged as far as it can have been evaluated', () => {
  const { meter, clock } = start();
  meter.begin(CALLS[0]);
  clock.time = 7;
  expect(meter.charge('aborted')).toMatchObject({ requests: 1, promptTokens: 7, completionTokens: 0 });
  clock.time = 700;
  expect(meter.charge('aborted')).toMatchObject({ promptTokens: 30, aborted: 1 });
});

test('after it as expected, and what was not asked for is not charged', () => {
  const { meter } = start();
  meter.begin(CALLS[0]);
  meter.count(chunk);
  meter.count(chunk);
  expect(meter.charge('aborted')).toMatchObject({ requests: 1, promptTokens: 30, completionTokens: 2 });
  expect(meter.prompts()).toBe(30 + 80);
});

test("each call counts, with Ollama's own figures where it gives them", () => {
  const { meter, learned } = start();
  for (const one of CALLS) {
    meter.begin(one);
    meter.count(chunk);
    meter.finish(one, end(25, 3));
  }
  expect(meter.charge('final')).toMatchObject({ requests: 3, promptTokens: 75, completionTokens: 9 });
  expect(meter.prompts()).toBe(75);
  expect(meter.exact()).toBe(true);
  expect(learned).toEqual([25, 25, 25]);
});

test('a count that is left out is charged as expected', () => {
  const { meter, learned } = start();
  meter.begin(CALLS[0]);
  meter.finish(CALLS[0], end(undefined, 3));
  expect(meter.charge('estimated').promptTokens).toBe(30);
  expect(meter.exact()).toBe(false);
  expect(learned).toEqual([]);
});

test('a call that the limit ends is charged as expected, and one that it keeps from being asked not at all', () => {
  const { meter } = start();
  meter.begin(CALLS[0]);
  for (let at = 0; at < 9; at += 1) meter.count(chunk);
  expect(meter.cut(CALLS[0], 5)).toEqual({ promptTokens: 30, completionTokens: 5 });
  expect(meter.cut(CALLS[1], 5)).toEqual({ promptTokens: 0, completionTokens: 0 });
  expect(meter.charge('estimated')).toMatchObject({ requests: 1, promptTokens: 30, completionTokens: 5 });
  expect(meter.prompts()).toBe(30 + 40);
});
