/** The Redis driver, on real servers. A server named by REDIS_URL serves the suite; those that die are our own. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openStore } from '../../src/core/store/open.js';
import { STORE_DEADLINE, type Store, StoreUnavailable } from '../../src/core/store/port.js';
import { redis } from '../../src/core/store/redis.js';
import { type RedisServer, type RedisServerOptions, says, startRedis } from '../support/services/redis.js';
import { charged, countersOf, exactly, holdOn, NOTHING, testStore } from './suite.js';
import { testProcesses, useWorkers } from './workers.js';

const processes = useWorkers();
const bench = { now: Date.now, pass: sleep, fakeClock: false, span: 1000 } as const;

/** A store of its own on a server that others use as well. */
const fresh = (url: string) => `${url}?prefix=test-${randomUUID()}:`;

async function own(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

function open(url: string, options: { password?: string; now?: () => number } = {}): Store {
  const store = redis({ url, ...options });
  onTestFinished(() => store.close());
  return store;
}

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no failure',
    (error: unknown) => error,
  );

const tries = (store: Store, limits: { requests: number }) => {
  const hold = holdOn({ ...bench, store }, limits);
  return store.reserve(hold, exactly(1), { lease: 60_000, sentAt: Date.now() });
};

/** Calls until the store is back. */
async function back(store: Store): Promise<void> {
  for (let call = 0; call < 100; call += 1) {
    if ((await failureOf(store.health())) === 'no failure') return;
    await sleep(50);
  }
  throw new Error('The store did not come back.');
}

let server: RedisServer | undefined;
let url: string;
beforeAll(async () => {
  server = process.env.REDIS_URL ? undefined : await startRedis();
  url = process.env.REDIS_URL ?? server!.url;
  // Where Redis has to be installed first.
}, 180_000);
afterAll(() => server?.stop());

testStore('redis', async ({ now }) => redis({ url: fresh(url), now }), { fakeClock: true });

describe('several processes', () => {
  testProcesses(processes, () => fresh(url));
});

describe('a cluster', () => {
  let cluster: RedisServer;
  beforeAll(async () => {
    cluster = await startRedis({ cluster: true });
  });
  afterAll(() => cluster.stop());

  testStore('of three masters', async ({ now }) => redis({ url: fresh(cluster.url), now }), {
    fakeClock: true,
  });
  testProcesses(processes, () => fresh(cluster.url));
});

describe('a cluster that loses a master', () => {
  it('goes on with the others, and with all when it is back', async () => {
    const server = await own({ cluster: true, settings: ['--cluster-require-full-coverage', 'no'] });
    const store = open(server.url);
    const subjects = Array.from({ length: 40 }, (_, at) => `user-${at}`);
    const served = async (): Promise<number> => {
      const calls = subjects.map((subject) => {
        const hold = holdOn({ ...bench, store }, {}, { subject });
        return failureOf(store.reserve(hold, exactly(1), { lease: 60_000, sentAt: Date.now() }));
      });
      const failures = (await Promise.all(calls)).filter((outcome) => outcome !== 'no failure');
      for (const failure of failures) expect(failure).toBeInstanceOf(StoreUnavailable);
      return subjects.length - failures.length;
    };
    expect(await served()).toBe(40);
    // The very one that the URL names.
    await says(Number(new URL(server.url).port), 'SHUTDOWN NOSAVE');
    for (let call = 0; call < 20; call += 1) {
      await sleep(100);
      const count = await served();
      expect(count).toBeLessThan(40);
      if (call > 0) expect(count).toBeGreaterThan(10);
    }
    await server.restart();
    await back(store);
    expect(await served()).toBe(40);
  });
});

describe('a server that dies', () => {
  it('makes calls fail, and is used again when it is back, with all that it had acknowledged', async () => {
    const own1 = await own();
    const store = open(own1.url);
    const hold = holdOn({ ...bench, store }, { requests: 5 });
    await store.create('users', 'u1', 'Ann');
    await store.reserve(hold, exactly(10), { lease: 60_000, sentAt: Date.now() });

    let stopped = false;
    const outcomes: unknown[] = [];
    const users = Array.from({ length: 8 }, async () => {
      while (!stopped) {
        outcomes.push(await failureOf(store.get('users', 'u1')));
        await sleep(2);
      }
    });
    await sleep(100);
    await own1.kill();
    const start = performance.now();
    expect(await failureOf(store.get('users', 'u1'))).toBeInstanceOf(StoreUnavailable);
    expect(await failureOf(store.get('users', 'u1'))).toBeInstanceOf(StoreUnavailable);
    // Nobody waits for the deadline where nobody listens.
    expect(performance.now() - start).toBeLessThan(STORE_DEADLINE);
    await own1.restart();
    await back(store);
    stopped = true;
    await Promise.all(users);

    const failures = outcomes.filter((outcome) => outcome !== 'no failure');
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(await store.get('users', 'u1')).toMatchObject({ value: 'Ann' });
    expect(await store.settle(hold, charged({ promptTokens: 3 }))).toBe(true);
    expect((await countersOf(store, hold))[2]).toEqual({ used: 3, held: 0 });
  });

  it('may come later than its store', async () => {
    const server = await own();
    await server.kill();
    const store = await openStore(server.url);
    onTestFinished(() => store.close());
    const failure = await failureOf(store.get('users', 'u1'));
    expect(String(failure)).toMatch(/StoreUnavailable: Redis cannot be reached: .*ECONNREFUSED/);
    expect(failure).toHaveProperty('cause.code', 'ECONNREFUSED');
    await server.restart();
    await back(store);
    expect(await store.get('users', 'u1')).toBeUndefined();
  });

  it('may cut idle connections without a call noticing', async () => {
    const server = await own();
    const store = open(server.url);
    await store.health();
    await says(Number(new URL(server.url).port), 'CLIENT KILL TYPE normal');
    await sleep(50);
    expect(await store.create('users', 'u1', 1)).toBe(true);
  });

  it('loses its scripts, which are sent again', async () => {
    const server = await own();
    const store = open(server.url);
    await store.create('users', 'u1', 1);
    await says(Number(new URL(server.url).port), 'SCRIPT FLUSH');
    expect(await store.create('users', 'u2', 1)).toBe(true);
  });
});

describe('a server that is frozen', () => {
  it('makes calls fail within the deadline, and does nothing late of what they wanted', async () => {
    const server = await own();
    const store = open(server.url);
    const hold = holdOn({ ...bench, store }, { requests: 5 });
    const held = holdOn({ ...bench, store }, { requests: 5 });
    await store.create('sessions', 'used', 'refresh token');
    await store.create('sessions', 'taken', 'login');
    await store.create('sessions', 'kept', 'key');
    await store.reserve(held, exactly(10), { lease: 60_000, sentAt: Date.now() });

    server.freeze();
    const start = performance.now();
    const failures = await Promise.all(
      [
        store.reserve(hold, exactly(1), { lease: 60_000, sentAt: Date.now() }),
        store.extend(held, exactly(5), { lease: 60_000, known: charged() }),
        store.create('users', 'u1', 'late'),
        store.update('sessions', 'used', 1, 'late'),
        store.take('sessions', 'taken'),
        store.delete('sessions', 'kept'),
        store.get('sessions', 'used'),
        store.settle(held, charged({ promptTokens: 7 })),
        store.health(),
      ].map(failureOf),
    );
    const waited = performance.now() - start;
    for (const failure of failures) expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(waited).toBeGreaterThan(STORE_DEADLINE * 0.9);
    expect(waited).toBeLessThan(STORE_DEADLINE * 2);
    server.thaw();
    await back(store);

    expect((await countersOf(store, hold)).slice(0, 1)).toEqual([{ used: 1, held: 0 }]);
    expect(await store.get('users', 'u1')).toBeUndefined();
    expect(await store.get('sessions', 'used')).toEqual({ id: 'used', value: 'refresh token', version: 1 });
    expect(await store.get('sessions', 'taken')).toBeDefined();
    expect(await store.get('sessions', 'kept')).toBeDefined();
    // A settlement counts once, whether it came through late or is told again.
    await store.settle(held, charged({ promptTokens: 7 }));
    expect((await countersOf(store, held))[2]).toEqual({ used: 7, held: 0 });
    expect(await store.renew([{ hold, known: charged() }], 1000)).toEqual([hold.id]);
  });

  it('while a store connects leaves no connection behind', async () => {
    const server = await own();
    server.freeze();
    const store = open(server.url);
    expect(await failureOf(store.health())).toBeInstanceOf(StoreUnavailable);
    const waiting = failureOf(store.health());
    const start = performance.now();
    await store.close();
    expect(await waiting).toBeInstanceOf(StoreUnavailable);
    expect(performance.now() - start).toBeLessThan(STORE_DEADLINE / 2);
    server.thaw();
    const port = Number(new URL(server.url).port);
    const connections = async () => (await says(port, 'CLIENT LIST')).match(/id=/g)!.length;
    for (let look = 0; look < 50 && (await connections()) > 1; look += 1) await sleep(50);
    expect(await connections()).toBe(1);
  });
});

describe('time', () => {
  it('of a reservation runs from when the request was sent', async () => {
    const store = open(fresh(url));
    const hold = holdOn({ ...bench, store });
    const sentAt = Date.now() - STORE_DEADLINE - 1;
    const late = store.reserve(hold, exactly(1), { lease: 1000, sentAt });
    await expect(late).rejects.toBeInstanceOf(StoreUnavailable);
    expect((await countersOf(store, hold))[0]).toEqual(NOTHING);
  });

  it('lets counters and marks expire by themselves, but never what is held', async () => {
    const server = await own();
    const port = Number(new URL(server.url).port);
    const store = open(server.url);
    const brief = holdOn({ ...bench, store });
    for (const claim of brief.claims) claim.expiresAt = Date.now() + 300;
    await store.reserve(brief, exactly(5), { lease: 60_000, sentAt: Date.now() });
    await sleep(400);
    expect((await countersOf(store, brief))[2]).toEqual({ used: 0, held: 5 });
    await store.settle(brief, charged({ promptTokens: 3 }));
    expect(await says(port, 'KEYS *count*')).toMatch(/^\*0/);
    await store.settle(holdOn({ ...bench, store }), charged({ promptTokens: 3 }));
    const keys = (await says(port, 'KEYS *count*')).match(/parallama\S+/g)!;
    expect(keys).toHaveLength(4);
    const marks = (await says(port, 'KEYS *hold*')).match(/parallama\S+/g)!;
    expect(marks).toHaveLength(2);
    for (const key of [...keys, ...marks]) expect(await says(port, `PTTL ${key}`)).toMatch(/^:[1-9]\d{6,}/);
  });
});

describe('a login', () => {
  it('takes its password from the URL or from an option', async () => {
    const { url } = await own({ password: 'p@ss:w/rd' });
    const [start, host] = url.split('//');
    const stores = [
      open(url, { password: 'p@ss:w/rd' }),
      open(`${start}//:${encodeURIComponent('p@ss:w/rd')}@${host}/1`),
    ];
    for (const store of stores) {
      expect(await store.create('users', 'u1', 1)).toBe(true);
      expect(store.place).not.toContain('w/rd');
    }
    expect(stores[1]!.place).toBe(`${url}/1`);
  });

  it.each([undefined, 'hunter2'])(
    'with the password %j is refused in so many words, without showing it',
    async (password) => {
      const { url } = await own({ password: 'another' });
      const store = open(url, { password });
      const failure = await failureOf(store.get('users', 'u1'));
      expect(failure).toBeInstanceOf(StoreUnavailable);
      expect(String(failure)).toMatch(/Redis refuses the login: (WRONGPASS|NOAUTH)/);
      expect(JSON.stringify([failure, store, String((failure as Error).cause)])).not.toContain('hunter2');
    },
  );
});

describe('the URL', () => {
  it.each([
    ['redis://:hunter2@[::1', /names no host/],
    ['redis://:hunter2@host:port', /names no host/],
    ['redis://:hunter2@host/zero', /cannot be read/],
    ['redis://:hunter2%@host', /Write it as %25/],
    ['redis://:hunter2@host?db=1', /unknown option "db"/],
    ['redis://:hunter2@host?prefix={x}', /prefix/],
    ['http://:hunter2@host', /cannot be read/],
  ])('%s is refused without showing its password', (wrong, message) => {
    expect(() => redis({ url: wrong })).toThrow(message);
    expect(() => redis({ url: wrong })).not.toThrow(/hunter2/);
  });

  it.each([
    ['redis://localhost', 'redis://localhost'],
    ['redis://', 'redis://localhost'],
    ['rediss://ann:p%40ss@db.example:7000/3', 'rediss://db.example:7000/3'],
    ['redis://:a/b#c@one:1,two:2', 'redis://one:1,two:2'],
    ['redis://[::1]:7000?prefix=staging:', 'redis://[::1]:7000?prefix=staging:'],
  ])('%s is shown as %s', (url, place) => {
    expect(open(url)).toMatchObject({ kind: 'redis', place });
  });

  it('keeps stores with different prefixes apart', async () => {
    const [one, other] = [open(fresh(url)), open(fresh(url))];
    await one.create('users', 'u1', 1);
    expect(await other.list('users', { limit: 10 })).toEqual([]);
  });
});

describe('what people should know', () => {
  it.each([
    [['--maxmemory-policy', 'allkeys-lru'], /maxmemory-policy is allkeys-lru\. Set it to noeviction/],
    [['--appendonly', 'no'], /appendonly is off/],
    [['--rename-command', 'INFO', ''], /INFO is refused/],
    [[], undefined],
  ])('of a server with %j', async (settings, notice) => {
    const store = await openStore((await own({ settings })).url);
    onTestFinished(() => store.close());
    if (notice) expect(store.notice).toMatch(notice);
    else expect(store.notice).toBeUndefined();
  });

  it('of a command that is wrong is no failure of the store', async () => {
    const server = await own();
    const store = open(server.url);
    await says(Number(new URL(server.url).port), 'SET parallama:{table:users}:rows text');
    const failure = await failureOf(store.get('users', 'u1'));
    expect(String(failure)).toMatch(/WRONGTYPE/);
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
  });
});

describe('an adapter of Keyv', () => {
  it('lends its options, and keeps its own connection', async () => {
    const { url } = await own({ password: 'secret' });
    const adapter = new KeyvRedis(url.replace('//', '//:secret@'), { throwOnErrors: true });
    onTestFinished(() => adapter.disconnect());
    const keyv = new Keyv({ store: adapter });
    await keyv.set('theirs', 1);
    const store = await openStore(keyv);
    expect([store.kind, store.place]).toEqual(['redis', 'KeyvRedis']);
    expect(await store.create('users', 'u1', 'Ann')).toBe(true);
    await store.close();
    expect(await keyv.get('theirs')).toBe(1);
    expect(await open(url, { password: 'secret' }).get('users', 'u1')).toMatchObject({ value: 'Ann' });
  });

  it('may be on a cluster', async () => {
    const { url } = await own({ cluster: true });
    const adapter = new KeyvRedis({ rootNodes: [{ url }] });
    const store = redis({ adapter });
    onTestFinished(() => store.close());
    await store.health();
    expect(await tries(store, { requests: 1 })).toMatchObject({ ok: true });
  });

  it('may not be on Redis Sentinel', () => {
    const adapter = new KeyvRedis({ name: 'main', sentinelRootNodes: [{ host: 'localhost', port: 26379 }] });
    expect(() => redis({ adapter })).toThrow(/Sentinel cannot be the store/);
  });
});

describe('without @keyv/redis', () => {
  it('the store says what to install', async () => {
    vi.doMock('@keyv/redis', () => {
      throw new Error('not there');
    });
    onTestFinished(() => void vi.doUnmock('@keyv/redis'));
    const failure = await failureOf(openStore(url));
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
    expect(String(failure)).toContain('npm install @keyv/redis');
  });
});
