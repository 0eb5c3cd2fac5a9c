import { expect, test } from 'vitest';
import { createEstimator } from '../../src/core/usage/estimate.js';

const prompt = (promptBytes: number, parts = 1, media = 0) => ({ promptBytes, parts, media });

test('a short prompt is estimated at its bytes, below 200 tokens', () => {
  const { estimate } = createEstimator();
  expect(estimate('m', [prompt('Hello!'.length)])).toBe(6 + 12);
  expect(estimate('m', [prompt(128)])).toBeLessThan(200);
});

test('a long prompt costs no more than its bytes, and follows what the model was seen to use', () => {
  const { estimate, observe } = createEstimator();
  const before = estimate('m', [prompt(10_000)]);
  expect(before).toBeLessThan(10_000);
  for (let i = 0; i < 100; i += 1) observe('m', prompt(10_000), 2_500);
  const after = estimate('m', [prompt(10_000)]);
  expect(after).toBeLessThan(before);
  expect(after).toBeGreaterThanOrEqual(2_500);
  expect(estimate('other', [prompt(10_000)])).toBe(before);
});

test('an estimate that was too low is raised at once', () => {
  const { estimate, observe } = createEstimator();
  observe('m', prompt(1_000), 900);
  expect(estimate('m', [prompt(1_000)])).toBeGreaterThanOrEqual(900);
});

test('a template that adds a long preamble is learned from short prompts', () => {
  const { estimate, observe } = createEstimator();
  observe('m', prompt(10), 90);
  expect(estimate('m', [prompt(10)])).toBeGreaterThanOrEqual(90);
});

test('several prompts of one request add up; messages and images cost', () => {
  const { estimate } = createEstimator();
  expect(estimate('m', [prompt(10), prompt(10)])).toBe(2 * estimate('m', [prompt(10)]));
  expect(estimate('m', [prompt(10, 3)])).toBeGreaterThan(estimate('m', [prompt(10, 1)]));
  expect(estimate('m', [prompt(10, 1, 1)])).toBeGreaterThan(500);
});

test('names that clients make up do not grow the memory for ever', () => {
  const { estimate, observe } = createEstimator();
  observe('first', prompt(1_000), 1_000);
  for (let i = 0; i < 600; i += 1) observe(`made-up-${i}`, prompt(10), 10);
  expect(estimate('first', [prompt(1_000)])).toBe(estimate('unknown', [prompt(1_000)]));
});
