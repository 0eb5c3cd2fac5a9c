import { expect, test } from 'vitest';
import { claimKey, claimsFor, meaningsAt } from '../../src/core/limits/claims.js';
import { UNLIMITED } from '../../src/core/limits/types.js';
import { hourOf } from '../../src/core/limits/windows.js';
import type { Charge } from '../../src/core/store/port.js';
import { memory } from '../../src/core/store/sqlite.js';
import { verifyUsage } from '../../src/core/usage/verify.js';

const now = Date.parse('2026-11-23T04:05:06Z');
const charge = (tokens: number): Charge => ({
  requests: 1,
  promptTokens: tokens,
  completionTokens: 1,
  errors: 0,
  aborted: 0,
  latencyMs: 5,
});

async function used(store: ReturnType<typeof memory>, id: string, at: number, { recorded = true } = {}) {
  const claims = claimsFor('openai', meaningsAt(at, UNLIMITED));
  const usage = { gateway: 'openai', model: 'llama2', hour: hourOf(at) } as const;
  await store.settle({ id, subject: 'ada', claims, ...(recorded && { usage }) }, charge(9));
}

test('counters and history agree, over midnight and the hours of a day', async () => {
  const store = memory({ now: () => now });
  for (const [i, hours] of [0, 0, 1, 5, 20, 30].entries())
    await used(store, `hold-${i}`, now - hours * 3_600_000);
  const { checked, differences } = await verifyUsage(store, now);
  expect(differences).toEqual([]);
  // The day, and the hours 04, 03, 23 (yesterday's) and 08: requests and tokens of each.
  expect(checked).toBe(2 * 5);
  await store.close();
});

test('a charge that the history does not have is found in each window', async () => {
  const store = memory({ now: () => now });
  await used(store, 'known', now);
  await used(store, 'unknown', now, { recorded: false });
  const { differences } = await verifyUsage(store, now);
  const common = { user_id: 'ada', gateway: 'openai' };
  expect(differences).toEqual([
    { ...common, counts: 'requests', window: '2026-11-23', counter: 2, history: 1 },
    { ...common, counts: 'tokens', window: '2026-11-23', counter: 20, history: 10 },
    { ...common, counts: 'requests', window: '2026-11-23T04', counter: 2, history: 1 },
    { ...common, counts: 'tokens', window: '2026-11-23T04', counter: 20, history: 10 },
  ]);
  expect(await store.counters('ada', [claimKey('openai', meaningsAt(now, UNLIMITED)[0]!)])).toEqual([
    { used: 2, held: 0 },
  ]);
  await store.close();
});
