import { expect, test } from 'vitest';
import { claimsFor, claimsForSeveral, meaningsAt } from '../../src/core/limits/claims.js';
import { type Asked, createRefusals } from '../../src/core/limits/refusals.js';
import { UNLIMITED } from '../../src/core/limits/types.js';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const limits = { ...UNLIMITED, token_limit_hourly: 400, request_limit_hourly: 9 };
const counted = claimsFor('openai', meaningsAt(NOON, limits));
const asked = (bytes: number, more: Partial<Asked> = {}): Asked => ({
  subject: 'ann',
  counted,
  claims: counted,
  usage: { gateway: 'openai', model: 'm', hour: '2026-11-23T12' },
  bytes,
  ...more,
});
const wanted = (least: number) => ({ least, most: least, share: 1 });
/** Requests of the day and the hour, tokens of the day and the hour. */
const used = (tokens: number, requests = 1, held = 0) =>
  [requests, requests, tokens, tokens].map((one) => ({ used: one, held }));

test('a prompt that was refused for its tokens is asked for with the same number for the rest of the window', () => {
  const refusals = createRefusals();
  expect(refusals.least(asked(60))).toBe(0);
  refusals.note(asked(60), wanted(50), used(380));
  expect(refusals.least(asked(60))).toBe(50);
  expect(refusals.least(asked(90))).toBe(50);
  // A shorter one may fit into what is left.
  expect(refusals.least(asked(10))).toBe(0);
  refusals.note(asked(90), wanted(70), used(380));
  expect(refusals.least(asked(60))).toBe(50);
  refusals.note(asked(20), wanted(30), used(380));
  expect(refusals.least(asked(60))).toBe(30);
  expect(refusals.least(asked(60, { counted: [...counted] }))).toBe(0);
  expect(refusals.least(asked(60, { subject: 'bob' }))).toBe(0);
});

test('one that was refused for what others hold, or for requests, is not', () => {
  const refusals = createRefusals();
  refusals.note(asked(60), wanted(50), used(200, 1, 180));
  expect(refusals.least(asked(60))).toBe(0);
  refusals.note(asked(60), wanted(50), used(390, 9));
  expect(refusals.least(asked(60))).toBe(0);
});

test('who has used up a limit is refused for a moment, for as many requests as are asked for', () => {
  let time = 0;
  const refusals = createRefusals(() => time);
  const several = asked(1, { claims: claimsForSeveral(counted, 8) });
  refusals.note(several, wanted(1), used(10, 5));
  expect(refusals.of(several, wanted(1))).toMatchObject({ at: 1 });
  expect(refusals.of(asked(1), wanted(1))).toBeUndefined();
  time = 801;
  expect(refusals.of(several, wanted(1))).toBeUndefined();
});
