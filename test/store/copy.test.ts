/** Copies from each kind of store into each other kind. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Keyv } from 'keyv';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Copied, type CopyOptions, copyStore } from '../../src/core/store/copy.js';
import { openStore } from '../../src/core/store/open.js';
import type { Hold, Store, WholeRow } from '../../src/core/store/port.js';
import { usePostgres } from '../support/services/postgres.js';
import { type RedisServer, startRedis } from '../support/services/redis.js';
import { folder } from './folder.js';
import { charged, collect, EVER } from './suite.js';

const NOW = Date.now();
const HOUR = new Date(NOW).toISOString().slice(0, 13);
const CLAIMS = [
  { key: 'openai:requests:day', counts: 'requests', max: null, expiresAt: NOW + 2 * 86_400_000 },
  { key: 'openai:tokens:day', counts: 'tokens', max: null, expiresAt: NOW + 2 * 86_400_000 },
] as const;
const COUNTERS = { claims: [...CLAIMS], from: `${HOUR.slice(0, 10)}T00` };

let redis: RedisServer | undefined;
const freshPostgres = usePostgres();
beforeAll(async () => {
  redis = process.env.REDIS_URL ? undefined : await startRedis();
});
afterAll(() => redis?.stop());

const fresh = {
  sqlite: () => `sqlite:${join(folder(), 'store.db')}`,
  redis: () => `${process.env.REDIS_URL ?? redis!.url}?prefix=copy-${randomUUID()}:`,
  postgres: freshPostgres,
  keyv: () => new Keyv(),
};
type Kind = keyof typeof fresh;

async function open(kind: Kind): Promise<Store> {
  const store = await openStore(fresh[kind]());
  onTestFinished(() => store.close());
  return store;
}

/** Rows of all kinds; 450 of a table, so that they are more than a page. */
async function fill(store: Store): Promise<void> {
  for (let at = 0; at < 450; at += 1) {
    const id = `user-${String(at).padStart(3, '0')}`;
    await store.create('users', id, { name: `Ann "${at}" ä 🦙` }, { index: { role: 'basic', id: `${at}` } });
  }
  await store.update('users', 'user-007', 1, { name: 'Bond' });
  await store.create('sessions', 's1', { of: 'user-001' }, { expiresAt: NOW + 3_600_000 });
  await store.create('settings', 'gateway:openai', { enabled: false });
  for (const subject of ['user-001', 'user-002']) {
    for (let at = 0; at < 130; at += 1) {
      const hour = new Date(NOW - (at % 65) * 3_600_000).toISOString().slice(0, 13);
      const usage = { gateway: 'openai', model: `m${at % 2}`, hour } as const;
      const hold: Hold = { id: `${subject}-${at}`, subject, claims: [...CLAIMS], usage };
      await store.settle(hold, charged({ promptTokens: at, completionTokens: 3, latencyMs: 5, aborted: 1 }));
    }
  }
}

async function contents(store: Store): Promise<unknown> {
  const rows: WholeRow[] = [];
  for (const table of ['users', 'sessions', 'settings'] as const) {
    rows.push(...(await store.dump(table, { limit: 1000 })));
  }
  return {
    rows: rows.map(({ version: _, ...row }) => row),
    usage: await collect(store.usage(EVER)),
    counters: await store.counters(
      'user-001',
      CLAIMS.map(({ key }) => key),
    ),
  };
}

const copy = (from: Store, to: Store, options: Partial<CopyOptions> = {}): Promise<Copied> =>
  copyStore({ from, to, counters: COUNTERS, ...options });

describe('a copy', () => {
  it.each<[Kind, Kind]>([
    ['sqlite', 'postgres'],
    ['postgres', 'redis'],
    ['redis', 'sqlite'],
    ['sqlite', 'keyv'],
    ['keyv', 'sqlite'],
  ])('from %s to %s has everything, and searches', async (source, target) => {
    const [from, to] = [await open(source), await open(target)];
    await fill(from);
    const copied = await copy(from, to);
    expect(copied.users?.count).toBe(450);
    expect(copied.usage?.count).toBe((await collect(from.usage(EVER))).length);
    expect(copied.counters?.count).toBe(4);
    expect(await contents(to)).toEqual(await contents(from));
    const where = { index: 'id', equals: '42' };
    expect(await to.list('users', { where, limit: 2 })).toMatchObject([{ id: 'user-042' }]);
    expect((await to.counters('user-002', ['openai:tokens:day']))[0]?.used).toBeGreaterThan(0);
  });

  it('that broke off is taken up where it was, and counts nothing twice', async () => {
    const [from, to] = [await open('sqlite'), await open('redis')];
    await fill(from);
    let settled = 0;
    const failing: Store = {
      ...to,
      settle: (...call) => {
        settled += 1;
        return settled > 220 ? Promise.reject(new Error('away')) : to.settle(...call);
      },
    };
    await expect(copy(from, failing)).rejects.toThrow('away');
    await expect(copy(from, to)).rejects.toThrow(/broke off\. Go on with --resume/);
    await expect(copy(await open('keyv'), to, { resume: true })).rejects.toThrow(/is one of/);
    const late = { resume: true, now: () => NOW + 13 * 3_600_000 };
    await expect(copy(from, to, late)).rejects.toThrow(/too old/);
    await copy(from, to, { resume: true });
    expect(await contents(to)).toEqual(await contents(from));
  });

  it('is refused into a store that has anything in it', async () => {
    const [from, to] = [await open('sqlite'), await open('sqlite')];
    await to.settle(
      { id: '1', subject: 'ann', claims: [], usage: { gateway: 'openai', model: 'm', hour: HOUR } },
      charged(),
    );
    await expect(copy(from, to)).rejects.toThrow(/is not empty/);
    await expect(copy(from, to, { resume: true })).rejects.toThrow(/is not empty/);
  });

  it('is refused while a gateway runs, or a request', async () => {
    const [from, to] = [await open('sqlite'), await open('sqlite')];
    await from.create('processes', 'p1', {}, { expiresAt: Date.now() + 15_000 });
    await expect(copy(from, to)).rejects.toThrow(/A gateway runs on/);
    await expect(copy(to, from)).rejects.toThrow(/A gateway runs on/);
    await from.delete('processes', 'p1');
    await fill(from);
    const hold: Hold = { id: 'h1', subject: 'user-001', claims: [...CLAIMS] };
    await from.reserve(hold, { least: 1, most: 1, share: 1 }, { lease: 60_000, sentAt: Date.now() });
    await expect(copy(from, to)).rejects.toThrow(/under way/);
  });

  it('that is not the same is no copy', async () => {
    const [from, to] = [await open('sqlite'), await open('sqlite')];
    await from.create('users', 'u1', 'Ann');
    const lossy: Store = { ...to, create: (table, id, _, options) => to.create(table, id, 'Eve', options) };
    await expect(copy(from, lossy)).rejects.toThrow(/not the same: users has 1/);
    await expect(copy(from, to)).rejects.toThrow(/broke off/);
  });
});
