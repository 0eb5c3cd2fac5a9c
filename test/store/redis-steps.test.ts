/** What is asked of quotas in one turn of the event loop, and how it goes over to Redis. */
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { type Hold, STORE_DEADLINE, type Store, StoreUnavailable } from '../../src/core/store/port.js';
import { MOST } from '../../src/core/store/redis/steps.js';
import { redis } from '../../src/core/store/redis.js';
import { type RedisServer, says, startRedis } from '../support/services/redis.js';
import { charged, collect, countersOf, EVER, exactly, holdOn, NO_TOKENS, NOTHING, reserve } from './suite.js';

const LEASE = 60_000;

let server: RedisServer;
let port: number;
beforeAll(async () => {
  server = await startRedis();
  port = Number(new URL(server.url).port);
}, 180_000);
afterAll(() => server.stop());

let store: Store;
const bench = {
  now: Date.now,
  pass: () => Promise.reject(new Error('Time is real here.')),
  fakeClock: false,
  span: LEASE,
  get store() {
    return store;
  },
};

beforeEach(async () => {
  await says(port, 'FLUSHALL');
  store = open(server);
  // The script is there, and the server's clock is known.
  await reserve(bench, hold('before'));
  await says(port, 'CONFIG RESETSTAT');
});

function open({ url }: RedisServer): Store {
  const opened = redis({ url });
  onTestFinished(() => opened.close());
  return opened;
}

const hold = (subject: string, limits = {}): Hold => holdOn(bench, limits, { subject });
const holdKey = async ({ id }: Hold) => (await says(port, `KEYS *hold:${id}`)).match(/parallama\S+/)![0];

async function runs(): Promise<number> {
  const stats = await says(port, 'INFO commandstats');
  const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  return calls('evalsha') + calls('eval');
}

const outcomes = async (calls: Promise<unknown>[]) => {
  return (await Promise.allSettled(calls)).map((outcome) =>
    outcome.status === 'fulfilled' ? outcome.value : outcome.reason,
  );
};

it('sends what is asked for in one turn as one run, whatever it is and whosever', async () => {
  const [held, extended, renewed] = [hold('ann'), hold('bob'), hold('cid')];
  await Promise.all([held, extended, renewed].map((each) => reserve(bench, each, exactly(10))));
  expect(await runs()).toBe(1);
  const answers = await Promise.all([
    store.settle(held, charged({ promptTokens: 7 })),
    store.extend(extended, exactly(5), { lease: LEASE, known: charged() }),
    store.renew([{ hold: renewed, known: charged() }], LEASE),
    reserve(bench, hold('dan', { requests: 0 })),
    ...Array.from({ length: 20 }, (_, at) => reserve(bench, hold(`user-${at}`), exactly(at))),
  ]);
  expect(await runs()).toBe(2);
  expect(answers.slice(0, 4)).toMatchObject([
    true,
    { ok: true, granted: 5, left: null },
    [],
    { ok: false, at: 0, counters: [NOTHING, NOTHING, NOTHING, NOTHING] },
  ]);
  expect(answers.slice(4)).toMatchObject(Array.from({ length: 20 }, (_, granted) => ({ ok: true, granted })));
  expect((await countersOf(store, held))[2]).toEqual({ used: 7, held: 0 });
  expect((await countersOf(store, extended))[2]).toEqual({ used: 0, held: 15 });
});

it('bounds the steps of a run, and sends the rest in the same turn', async () => {
  const calls = Array.from({ length: 2 * MOST + 1 }, () => reserve(bench, hold('ann'), exactly(1)));
  expect((await Promise.all(calls)).every(({ ok }) => ok)).toBe(true);
  expect(await runs()).toBe(3);
  // For half a millisecond of Redis, others wait.
  expect(MOST).toBeLessThanOrEqual(64);
  expect((await countersOf(store, hold('ann')))[2]).toEqual({ used: 0, held: 2 * MOST + 1 });
});

it('admits no more than the limit within one run, and answers each as after the ones before it', async () => {
  const limits = { requests: 5, tokens: 35 };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => reserve(bench, hold('ann', limits), exactly(10))),
  );
  expect(answers.map((answer) => (answer.ok ? answer.left : answer.at))).toEqual([35, 25, 15, 2, 2, 2, 2, 2]);
  expect(await countersOf(store, hold('ann'))).toEqual([
    { used: 0, held: 3 },
    { used: 0, held: 3 },
    { used: 0, held: 30 },
    { used: 0, held: 30 },
  ]);
});

it('carries out what concerns one hold in the order in which it was asked for', async () => {
  const one = hold('ann', { requests: 1, tokens: 30 });
  const next = hold('ann', { requests: 2, tokens: 30 });
  const answers = await Promise.all([
    reserve(bench, one, exactly(10)),
    reserve(bench, one, exactly(10)),
    store.extend(one, exactly(20), { lease: LEASE, known: charged() }),
    reserve(bench, next, exactly(1)),
    store.settle(one, charged({ promptTokens: 12 })),
    store.settle(one, charged({ promptTokens: 12 })),
    store.extend(one, exactly(1), { lease: LEASE, known: charged() }),
    reserve(bench, next, exactly(18)),
  ]);
  expect(answers).toMatchObject([
    { ok: true, granted: 10 },
    { ok: false, at: -1 },
    { ok: true, granted: 20, left: 20 },
    { ok: false, at: 2 },
    true,
    false,
    { ok: false, why: 'gone' },
    { ok: true, granted: 18, left: 18 },
  ]);
  expect(await runs()).toBe(1);
  expect((await countersOf(store, one))[2]).toEqual({ used: 12, held: 18 });
  expect(await collect(store.usage(EVER))).toMatchObject([{ requests: 1, promptTokens: 12 }]);
});

it('answers a step that fails with its error, and carries out the others', async () => {
  const [good, broken, ended, unwritable] = [hold('ann'), hold('ann'), hold('ann'), hold('dan')];
  await Promise.all([reserve(bench, ended, exactly(3)), reserve(bench, unwritable, exactly(3))]);
  await says(port, `RPUSH ${(await holdKey(ended)).replace(ended.id, broken.id)} text`);
  const usage = (await holdKey(unwritable)).replace(/hold:.*/, 'usage:dan:2026-11-23');
  await says(port, `SET ${usage} text`);
  await says(port, 'CONFIG RESETSTAT');
  const answers = await outcomes([
    reserve(bench, good, exactly(5)),
    store.extend(broken, exactly(5), { lease: LEASE, known: charged() }),
    store.settle(broken, charged({ promptTokens: 1 })),
    store.settle(unwritable, charged({ promptTokens: 1 })),
    store.settle(ended, charged({ promptTokens: 2 })),
  ]);
  expect(await runs()).toBe(1);
  expect(answers[0]).toMatchObject({ ok: true, granted: 5 });
  for (const failure of answers.slice(1, 4)) {
    expect(String(failure)).toMatch(/WRONGTYPE/);
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
  }
  expect(answers[4]).toBe(true);
  // What has failed has counted nothing, and can be told again.
  expect((await countersOf(store, good))[2]).toEqual({ used: 2, held: 5 });
  expect((await countersOf(store, unwritable))[2]).toEqual({ used: 0, held: 3 });
  await says(port, `DEL ${usage}`);
  expect(await store.settle(unwritable, charged({ promptTokens: 1 }))).toBe(true);
  expect((await countersOf(store, unwritable))[2]).toEqual({ used: 1, held: 0 });
});

it('refuses what has come too late, and carries out what is in time beside it', async () => {
  const [late, punctual, ended] = [hold('ann'), hold('ann'), hold('ann')];
  await reserve(bench, ended, exactly(3));
  server.freeze();
  const calls = outcomes([
    store.reserve(late, exactly(10), { lease: LEASE, sentAt: Date.now() - STORE_DEADLINE + 200 }),
    reserve(bench, punctual, exactly(5)),
    store.settle(ended, charged({ promptTokens: 2 })),
  ]);
  setTimeout(() => server.thaw(), 600);
  const start = performance.now();
  const answers = await calls;
  expect(performance.now() - start).toBeLessThan(STORE_DEADLINE);
  expect(answers).toMatchObject([expect.any(StoreUnavailable), { ok: true, granted: 5 }, true]);
  expect((await countersOf(store, punctual))[2]).toEqual({ used: 2, held: 5 });
});

it('learns the clock of a server that it does not know, of the steps that need it alone', async () => {
  const fresh = open(server);
  const one = hold('ann');
  const answers = await Promise.all([
    fresh.settle(hold('ann'), charged({ promptTokens: 1 })),
    fresh.reserve(one, NO_TOKENS, { lease: LEASE, sentAt: Date.now() }),
    fresh.settle(one, charged({ promptTokens: 1 })),
  ]);
  // The reservation comes after the settlement of its hold, and finds it ended.
  expect(answers).toMatchObject([true, { ok: false, at: -1 }, true]);
  expect(await runs()).toBe(2);
  expect((await countersOf(store, one))[2]).toEqual({ used: 2, held: 0 });
});

it('ends holds, and remembers ended ones, as earlier versions wrote them', async () => {
  const [settled, swept, again, ended] = [hold('ann'), hold('ann'), hold('ann'), hold('ann')];
  const all = [settled, swept, again, ended];
  await Promise.all(all.map((each) => reserve(bench, each, exactly(10))));
  const known = '1 3 1 0 0 50';
  for (const each of all) {
    const key = await holdKey(each);
    const till = each === swept ? Date.now() - 1 : Date.now() + LEASE;
    const state = each === ended ? 'settled' : 'active';
    const body = `"${JSON.stringify(each).replaceAll('"', '\\"')}"`;
    await says(port, `DEL ${key}`);
    await says(port, `HSET ${key} state ${state} until ${till} tokens 10 known "${known}" body ${body}`);
    await says(port, `ZADD ${key.replace(/hold:.*/, 'leases')} ${till} ${each.id}`);
  }
  expect(await store.renew([{ hold: again, known: charged({ promptTokens: 2 }) }], LEASE)).toEqual([]);
  expect(await store.extend(again, exactly(5), { lease: LEASE, known: charged() })).toMatchObject({
    ok: true,
  });
  expect(await reserve(bench, again)).toMatchObject({ ok: false, at: -1 });
  expect(await reserve(bench, ended)).toMatchObject({ ok: false, at: -1 });
  expect(await store.settle(settled, charged({ promptTokens: 6 }))).toBe(true);
  expect(await store.settle(ended, charged({ promptTokens: 6 }))).toBe(false);
  expect(await store.sweep()).toEqual({ expiredHolds: 1 });
  expect(await store.settle(again, charged({ promptTokens: 1 }))).toBe(true);
  // Ten are held still: those of the hold that is said to be settled.
  expect((await countersOf(store, settled))[2]).toEqual({ used: 6 + 4 + 1, held: 10 });
});
