import { expect, test } from 'vitest';
import { meaningsAt } from '../../src/core/limits/claims.js';
import { goDuration, limitError, rateHeaders } from '../../src/core/limits/rate-headers.js';

const NOON = Date.parse('2026-11-23T12:30:00Z');
const LIMITS = {
  token_limit_daily: 10_000,
  token_limit_hourly: 1_000,
  request_limit_daily: 1_000,
  request_limit_hourly: null,
};
const free = { used: 0, held: 0 };

test.each([
  [0, '0s'],
  [-5, '0s'],
  [12, '12ms'],
  [999, '999ms'],
  [1_000, '1s'],
  [8_640, '8.64s'],
  [60_000, '1m0s'],
  [360_000, '6m0s'],
  [3_600_000, '1h0m0s'],
  [41_400_000, '11h30m0s'],
])('%d ms is %s', (milliseconds, text) => {
  expect(goDuration(milliseconds)).toBe(text);
});

test('the tightest window of each kind is told, held counts as used', () => {
  const meanings = meaningsAt(NOON, LIMITS);
  // requests day, requests hour, tokens day, tokens hour
  const headers = rateHeaders(
    meanings,
    [{ used: 3, held: 1 }, free, { used: 9_900, held: 0 }, { used: 400, held: 50 }],
    NOON,
  );
  expect(headers).toEqual({
    'x-ratelimit-limit-requests': '1000',
    'x-ratelimit-remaining-requests': '996',
    'x-ratelimit-reset-requests': '11h30m0s',
    'x-ratelimit-limit-tokens': '10000',
    'x-ratelimit-remaining-tokens': '100',
    'x-ratelimit-reset-tokens': '11h30m0s',
  });
});

test('an unlimited user has no such headers', () => {
  const unlimited = {
    token_limit_daily: null,
    token_limit_hourly: null,
    request_limit_daily: null,
    request_limit_hourly: null,
  };
  expect(rateHeaders(meaningsAt(NOON, unlimited), [free, free, free, free], NOON)).toEqual({});
});

test('a refusal names the limit and points to the end of its window', () => {
  const meanings = meaningsAt(NOON, LIMITS);
  const counters = [free, free, free, { used: 990, held: 8 }];
  const error = limitError(
    { gateway: 'openai', model: 'gpt-4', meanings, counters, at: 3, requested: 20 },
    NOON,
  );
  expect(error.kind).toBe('too_many_tokens');
  expect(error.message).toBe(
    'Rate limit reached for gpt-4 on tokens per hour of the openai gateway: Limit 1000, Used 990, In use 8, Requested 20. Please try again in 30m0s.',
  );
  expect(error.headers).toMatchObject({
    'retry-after': '1800',
    'retry-after-ms': '1800000',
    'x-should-retry': 'false',
    'x-ratelimit-remaining-tokens': '2',
  });
});

test('a wait of less than a minute is worth a retry', () => {
  const late = Date.parse('2026-11-23T12:59:30.500Z');
  const meanings = meaningsAt(late, LIMITS);
  const error = limitError(
    {
      gateway: 'openai',
      model: 'm',
      meanings,
      counters: [free, free, free, { used: 1_000, held: 0 }],
      at: 3,
      requested: 5,
    },
    late,
  );
  expect(error.headers).toMatchObject({
    'retry-after': '30',
    'retry-after-ms': '29500',
    'x-should-retry': 'true',
  });
});

test('a prompt that can never fit says so', () => {
  const meanings = meaningsAt(NOON, LIMITS);
  const error = limitError(
    { gateway: 'ollama', model: 'm', meanings, counters: [free, free, free, free], at: 3, requested: 5_000 },
    NOON,
  );
  expect(error.message).toContain('Request too large');
});
