import { expect, test } from 'vitest';
import { createRoles } from '../../src/core/auth/roles.js';
import { claimsFor, meaningsAt, rememberedCounting } from '../../src/core/limits/claims.js';
import { createPolicy } from '../../src/core/limits/policy.js';
import { windowsAt } from '../../src/core/limits/windows.js';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const HOUR = 3_600_000;
const LIMITS = {
  token_limit_daily: 10_000,
  token_limit_hourly: 1_000,
  request_limit_daily: null,
  request_limit_hourly: 100,
};

test('what a request counts on is made once an hour, for each gateway and limits', () => {
  const countingOf = rememberedCounting();
  const windows = windowsAt(NOON);
  const counting = countingOf('openai', LIMITS, windows);
  expect(counting.claims).toEqual(claimsFor('openai', meaningsAt(NOON, LIMITS)));
  expect(countingOf('openai', LIMITS, windows)).toBe(counting);
  expect(countingOf('ollama', LIMITS, windows).claims).toEqual(claimsFor('ollama', meaningsAt(NOON, LIMITS)));
  expect(countingOf('openai', LIMITS, windows)).toBe(counting);

  const other = { ...LIMITS, token_limit_hourly: 5 };
  expect(countingOf('openai', other, windows).claims.map(({ max }) => max)).toEqual([null, 100, 10_000, 5]);

  const later = countingOf('openai', LIMITS, windowsAt(NOON + HOUR));
  expect(later.claims).toEqual(claimsFor('openai', meaningsAt(NOON + HOUR, LIMITS)));
});

test('limits in force are the same object until role or overrides are others', () => {
  const policy = createPolicy({ roles: createRoles({ roles: {}, limits: { roles: {} } }) });
  const limits = { openai: { token_limit_hourly: 7 } };
  const basic = policy.of({ role: 'basic', limits }, 'openai');
  expect(basic).toMatchObject({ token_limit_hourly: 7, token_limit_daily: 500_000 });
  expect(policy.of({ role: 'basic', limits }, 'openai')).toBe(basic);
  expect(policy.of({ role: 'premium', limits }, 'openai')).toMatchObject({ token_limit_daily: 5_000_000 });
  expect(policy.of({ role: 'basic', limits }, 'ollama')).toMatchObject({ token_limit_hourly: 50_000 });
  expect(policy.of({ role: 'basic', limits: { openai: { token_limit_hourly: 8 } } }, 'openai')).toMatchObject(
    { token_limit_hourly: 8 },
  );
});
