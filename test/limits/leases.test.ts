/** What leases do with time, on a clock that the test turns. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Lease, NOTHING_USED } from '../../src/core/limits/lease.js';
import { createLeases, type Leases } from '../../src/core/limits/leases.js';
import { type Limits, UNLIMITED } from '../../src/core/limits/types.js';
import { type Store, StoreUnavailable } from '../../src/core/store/port.js';
import { memory } from '../../src/core/store/sqlite.js';
import { createJournal } from '../../src/core/usage/journal.js';
import { folder } from '../store/folder.js';

/** A store that can be taken away, and the calls that reached it. */
function storeWithOutages(): { store: Store; calls: string[]; outage: { on: boolean } } {
  const inner = memory();
  onTestFinished(() => inner.close());
  const calls: string[] = [];
  const outage = { on: false };
  const reach = <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      calls.push(name);
      if (outage.on) throw new StoreUnavailable('away');
      return call(...args);
    };
  };
  const store: Store = {
    ...inner,
    renew: reach('renew', inner.renew),
    sweep: reach('sweep', inner.sweep),
    settle: reach('settle', inner.settle),
    health: reach('health', inner.health),
  };
  return { store, calls, outage };
}

function start(store: Store): Leases {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const journal = createJournal(join(folder(), 'journal'));
  const leases = createLeases({ store, journal, onLostUsage: expect.fail, onTrouble: () => undefined });
  onTestFinished(() => leases.close());
  return leases;
}

/** Time goes by, second by second, with what happens in it. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    vi.advanceTimersByTime(1_000);
    // For what happens in it, on a busy machine too.
    await sleep(20);
  }
}

const admitUnder = (leases: Leases, limits: Limits): Promise<Lease> =>
  leases.admit({
    identity: { id: 'ann', username: 'ann', role: 'basic' },
    limits,
    gateway: 'openai',
    model: 'm',
    prompt: 10,
    generates: true,
  });

const admitWithin = (leases: Leases, limits: Partial<Limits>) =>
  admitUnder(leases, { ...UNLIMITED, ...limits });

const admit = (leases: Leases, tokens: number | null) => admitWithin(leases, { token_limit_daily: tokens });

test('a request that cannot be renewed ends before its lease does, where others could need its tokens', async () => {
  const { store, outage } = storeWithOutages();
  const leases = start(store);
  const [bounded, free] = [await admit(leases, 1_000), await admit(leases, null)];
  await pass(25);
  outage.on = true;
  await pass(22);
  expect(bounded.lost).toBe(false);
  await pass(4);
  expect([bounded.lost, free.lost]).toEqual([true, false]);
});

test('a request that is renewed, or told that nothing is left, goes on', async () => {
  const { store } = storeWithOutages();
  const leases = start(store);
  const lease = await admit(leases, 10_000);
  await pass(100);
  expect(lease.lost).toBe(false);
  expect(await lease.grow(1_000_000)).toBe(false);
  await pass(25);
  expect(lease.lost).toBe(false);
});

test('after an outage the living say what they have used before leases are swept', async () => {
  const { store, calls, outage } = storeWithOutages();
  const leases = start(store);
  const lease = await admit(leases, 1_000);
  await pass(6);
  expect(calls).toContain('sweep');
  outage.on = true;
  await pass(40);
  const charge = { requests: 1, promptTokens: 7, completionTokens: 3, errors: 0, aborted: 0, latencyMs: 1 };
  await lease.settle(charge);
  calls.length = 0;
  outage.on = false;
  await pass(9);
  expect(calls).toContain('settle');
  expect(calls).toContain('health');
  expect(calls).not.toContain('sweep');
  await pass(15);
  expect(calls).toContain('sweep');
});

test('who has used up a limit is refused without the store for a moment; a limit that is raised is seen at once', async () => {
  const { store } = storeWithOutages();
  const reserve = vi.spyOn(store, 'reserve');
  const leases = start(store);
  // As a policy gives them: the same object while they are the same.
  const limits = [0, 1, 2].map((limit) => ({ ...UNLIMITED, request_limit_hourly: limit }));
  const ask = (limit: 1 | 2) => admitUnder(leases, limits[limit]!);
  const first = await ask(1);
  // Held, but not used: it may be given back.
  await expect(ask(1)).rejects.toMatchObject({ status: 429 });
  await expect(ask(1)).rejects.toMatchObject({ status: 429 });
  expect(reserve).toHaveBeenCalledTimes(3);
  await first.settle({ ...NOTHING_USED, requests: 1 });
  // All but the time to wait, which grows shorter.
  const words = (error: Error) => error.message.replace(/ Please .*/, '');
  const told = await ask(1).catch(words);
  expect(told).toContain('Limit 1, Used 1, Requested 1.');
  expect(await ask(1).catch(words)).toBe(told);
  expect(reserve).toHaveBeenCalledTimes(4);
  await (await ask(2)).settle(NOTHING_USED);
  expect(reserve).toHaveBeenCalledTimes(5);
  await expect(ask(1)).rejects.toMatchObject({ status: 429 });
  expect(reserve).toHaveBeenCalledTimes(5);
  await pass(1);
  await expect(ask(1)).rejects.toMatchObject({ status: 429 });
  expect(reserve).toHaveBeenCalledTimes(6);
});
