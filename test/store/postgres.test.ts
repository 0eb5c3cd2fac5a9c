import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { KeyvPostgres } from '@keyv/postgres';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../src/core/store/open.js';
import { STORE_DEADLINE, type Store, StoreUnavailable } from '../../src/core/store/port.js';
import type { PostgresOptions } from '../../src/core/store/postgres/address.js';
import { postgres } from '../../src/core/store/postgres.js';
import { ask, type PostgresServer, startPostgres, usePostgres } from '../support/services/postgres.js';
import { folder } from './folder.js';
import { charged, collect, countersOf, exactly, holdOn, severalOn, testStore } from './suite.js';
import { testProcesses, useWorkers } from './workers.js';

const fresh = usePostgres();

testStore('postgres, with a clock', async ({ now }) => postgres({ url: fresh(), now }), { fakeClock: true });
testStore("postgres, on the server's clock", async () => postgres({ url: fresh() }));

describe('postgres, between processes', () => {
  testProcesses(useWorkers(), fresh);
});

/** Ours, to be asked for passwords, killed and frozen: a server that POSTGRES_URL names need not bear that. */
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
const place = () => `${server.url}?schema=test_${randomUUID().replaceAll('-', '')}`;

function open(options: PostgresOptions): Store {
  const store = postgres(options);
  onTestFinished(() => store.close());
  return store;
}

const bench = { now: Date.now, pass: sleep, fakeClock: false, span: 1000 } as const;

function reserveOn(store: Store, hold = holdOn({ ...bench, store }, { requests: 100 })) {
  return store.reserve(hold, exactly(10), { lease: 60_000, sentAt: Date.now() });
}

const schemaOf = (url: string) => new URL(url).searchParams.get('schema')!;
const failureOf = (call: Promise<unknown>) => call.catch((error: unknown) => error);

/** Rejected as unavailable, and within the deadline; a busy machine may be a little late. */
async function expectUnavailable(calls: Promise<unknown>[]): Promise<void> {
  const start = performance.now();
  for (const result of await Promise.allSettled(calls)) {
    expect(result).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
  }
  expect(performance.now() - start).toBeLessThan(STORE_DEADLINE * 1.5);
}

/** Some calls fail while a server comes back. */
async function recovered(store: Store): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(20)) {
    if ((await failureOf(store.health())) === undefined) return;
  }
  await store.health();
}

describe('the tables', () => {
  it('are refused where a newer version has made them', async () => {
    const url = fresh();
    await open({ url }).health();
    await ask(url, `UPDATE ${schemaOf(url)}.meta SET value = 99 WHERE name = 'schema'`);
    const failure = await failureOf(open({ url }).get('users', 'u1'));
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
    expect(String(failure)).toMatch(/newer Parallama.*version 99/);
    await expect(openStore(url)).rejects.toThrow(/newer Parallama/);
  });

  it('are made in an empty schema that is there already, and once', async () => {
    const url = fresh();
    await ask(url, `CREATE SCHEMA ${schemaOf(url)}`);
    await open({ url }).create('users', 'u1', 'Ann');
    expect(await open({ url }).get('users', 'u1')).toMatchObject({ value: 'Ann' });
  });

  it('of the version before keep what they hold, and count several requests of a hold', async () => {
    const url = fresh();
    const store = open({ url });
    const before = holdOn({ ...bench, store }, { requests: 10 });
    await reserveOn(store, before);
    await ask(url, `UPDATE ${schemaOf(url)}.meta SET value = 2 WHERE name = 'schema'`);
    const after = open({ url });
    const hold = severalOn({ ...bench, store: after }, 8, { requests: 10 });
    expect(await reserveOn(after, hold)).toMatchObject({ ok: true });
    expect((await countersOf(after, hold))[0]).toEqual({ used: 0, held: 9 });
    // A gateway of that version is still there.
    expect(await store.settle(before, charged())).toBe(true);
    expect((await countersOf(after, hold))[0]).toEqual({ used: 1, held: 8 });
  });

  it('that somebody drops are missed, not read as empty, and made anew', async () => {
    const url = fresh();
    const store = open({ url });
    await store.create('users', 'u1', 'Ann');
    await ask(url, `DROP SCHEMA ${schemaOf(url)} CASCADE`);
    await expect(store.get('users', 'u1')).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await store.create('users', 'u1', 'Ann')).toBe(true);
  });

  it('take every text, and models with names without end', async () => {
    const store = open({ url: fresh() });
    expect(await store.get('users', 'a\0b')).toBeUndefined();
    expect(await store.create('users', 'u\0', { text: '\0\ud800' }, { index: { name: '\0' } })).toBe(true);
    expect(await store.get('users', 'u\0')).toMatchObject({ value: { text: '\0\ud800' } });
    const usage = { gateway: 'openai', model: 'm\0'.repeat(5000), hour: '2026-11-23T04' } as const;
    const hold = holdOn({ ...bench, store }, {}, { usage });
    await reserveOn(store, hold);
    expect(await store.settle(hold, charged({ promptTokens: 3 }))).toBe(true);
  });

  it.each(['hour', 'day'] as const)('give a long history by the %s page by page', async (by) => {
    const url = fresh();
    const store = open({ url });
    await store.health();
    await ask(
      url,
      `INSERT INTO ${schemaOf(url)}.usage (hour, subject, gateway, model, requests, prompt_tokens, completion_tokens,
        errors, aborted, latency_ms)
      SELECT '2026-11-2' || day || 'T0' || hour, 'user-' || subject, 'openai', 'm', 1, 2, 3, 0, 0, 4
      FROM generate_series(1, 2) day, generate_series(0, 1) hour, generate_series(1, 1200) subject`,
    );
    const rows = await collect(store.usage({ from: '2026-11-21T00', to: '2026-11-22T01', by }));
    expect(rows.reduce((sum, { promptTokens }) => sum + promptTokens, 0)).toBe(2 * 3 * 1200);
    expect(rows).toHaveLength(by === 'hour' ? 3600 : 2400);
    const keys = rows.map(({ at, subject }) => `${at} ${subject}`);
    expect(keys).toEqual([...new Set(keys)].sort());
  });
});

describe('the address', () => {
  it('is shown without the password', () => {
    const shown = (options: PostgresOptions) => open(options).place;
    expect(shown({ url: 'postgresql://ann:hunter2@db:5433/quota?sslmode=require&password=hunter2' })).toBe(
      'postgresql://db:5433/quota',
    );
    expect(shown({ url: 'postgres:///quota?host=/run/postgresql', password: 'hunter2' })).toBe(
      'postgres:///quota',
    );
    const opts = { host: '::1', port: 1, database: 'quota', user: 'ann', password: 'hunter2' };
    expect(shown({ adapter: { opts } })).toBe('postgres://[::1]:1/quota');
  });

  it.each([
    'postgres://ann:hunter2/@db/quota',
    'postgres://ann:1/hunter2@db/quota',
    'postgres://ann:hunter2?@db/quota',
    'postgres://ann:hunter2#@db/quota',
    'postgres://ann:hunter2@d b/quota',
    'postgres://ann:hunter2@db/quota?schema=a-b',
  ])('%s is refused without being shown', (url) => {
    expect(() => postgres({ url })).toThrow(Error);
    expect(() => postgres({ url })).not.toThrow(/hunter2/);
  });

  it('takes the password from beside the URL', async () => {
    const url = new URL(place());
    url.password = '';
    const store = await openStore(String(url), { password: server.password });
    onTestFinished(() => store.close());
    await expect(store.health()).resolves.toBeUndefined();
    const inspected = inspect(store, { depth: 9 });
    expect(inspected).not.toContain(server.password);
  });

  it('comes from a Keyv adapter, too', async () => {
    const uri = fresh();
    const adapter = new KeyvPostgres({ uri, max: 3 });
    onTestFinished(() => adapter.disconnect());
    const store = open({ adapter });
    expect(await store.create('users', 'u1', 'Ann')).toBe(true);
    const { hostname, port, username, password, pathname } = new URL(uri);
    const login = { user: username, password: decodeURIComponent(password), database: pathname.slice(1) };
    const opts = { uri: undefined, host: hostname, port: Number(port), ...login };
    await expect(open({ adapter: { opts } }).health()).resolves.toBeUndefined();
  });

  it('with sslmode=require never goes on without TLS', async () => {
    const warnings: unknown[] = [];
    const warn = (warning: unknown) => warnings.push(warning);
    process.on('warning', warn);
    onTestFinished(() => {
      process.off('warning', warn);
    });
    const failure = await failureOf(open({ url: `${place()}&sslmode=require` }).health());
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(String(failure)).toMatch(/SSL/);
    await expect(open({ url: `${place()}&sslmode=disable` }).health()).resolves.toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it('where nobody answers makes the store unavailable, and hangs nothing', async () => {
    const store = await openStore('postgres://ann:hunter2@127.0.0.1:1/quota');
    const failure = await failureOf(store.get('users', 'u1'));
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(failure).toHaveProperty('cause.code', 'ECONNREFUSED');
    expect(inspect(failure)).not.toContain('hunter2');
    await store.close();
  });

  it('with a wrong password makes it unavailable, and says so', async () => {
    const url = new URL(place());
    url.password = 'hunter2';
    const failure = await failureOf(open({ url: String(url) }).get('users', 'u1'));
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(String(failure)).toMatch(/password authentication failed/);
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('hunter2');
  });
});

describe('a command that PostgreSQL undoes', () => {
  /** Makes the first writes of records fail; what a sequence has counted stays when all else is undone. */
  async function failing(url: string, times: number, code: string): Promise<void> {
    const schema = schemaOf(url);
    await ask(
      url,
      `SET search_path = ${schema}; CREATE SEQUENCE tries;
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('tries') <= ${times} THEN RAISE EXCEPTION 'undone' USING ERRCODE = '${code}'; END IF;
        RETURN new;
      END $$;
      CREATE TRIGGER fail BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION fail()`,
    );
  }

  it.each([
    ['a deadlock', '40P01'],
    ['a conflict', '40001'],
    ["a measure of the server's clock that was wrong", 'LATE0'],
  ])('because of %s is tried again', async (_, code) => {
    const url = fresh();
    const store = open({ url });
    await store.health();
    await failing(url, 3, code);
    expect(await store.create('users', 'u1', 'Ann')).toBe(true);
  });

  it('again and again makes the store unavailable', async () => {
    const url = fresh();
    const store = open({ url });
    await store.health();
    await failing(url, 1_000_000, '40P01');
    await expectUnavailable([store.create('users', 'u1', 'Ann')]);
  });

  it('because of a mistake is an error that says so, and the connection goes on', async () => {
    const url = fresh();
    const store = open({ url });
    await store.health();
    await failing(url, 1, '22012');
    const failure = await failureOf(store.create('users', 'u1', 'Ann'));
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
    expect(failure).toMatchObject({ message: 'undone', code: '22012' });
    expect(await store.create('users', 'u1', 'Ann')).toBe(true);
  });
});

describe('the package pg', () => {
  it('is asked for where it is not installed', async () => {
    const bundle = join(folder(), 'store.mjs');
    await build({
      stdin: {
        contents: `import { openStore } from './open.js';
          await openStore('postgres://127.0.0.1:1/x').catch(({ message }) => console.log(message));`,
        resolveDir: join(import.meta.dirname, '../../src/core/store'),
      },
      outfile: bundle,
      bundle: true,
      external: ['pg'],
      platform: 'node',
      format: 'esm',
    });
    const child = spawn(process.execPath, [bundle], { stdio: ['ignore', 'pipe', 'inherit'] });
    expect(await text(child.stdout)).toBe('The PostgreSQL store needs the package pg: npm install pg\n');
  });
});

describe('a lock that somebody else has', () => {
  it('is not waited for longer than the deadline, and nothing happens later', async () => {
    const url = fresh();
    const store = open({ url });
    await store.create('sessions', 's1', 'old');
    const schema = schemaOf(url);
    const lock = ask(url, `BEGIN; LOCK TABLE ${schema}.records; SELECT pg_sleep(3); COMMIT`);
    await sleep(200);
    await expectUnavailable([store.update('sessions', 's1', 1, 'late'), store.take('sessions', 's1')]);
    await lock;
    expect(await store.get('sessions', 's1')).toMatchObject({ value: 'old', version: 1 });
  });
});

describe('a server', () => {
  it('that dies and comes back fails the calls meanwhile, and loses nothing', async () => {
    const store = open({ url: place() });
    const hold = holdOn({ ...bench, store }, { requests: 100 });
    await reserveOn(store, hold);
    // Many connections: some work when it dies, some are idle.
    await Promise.all(Array.from({ length: 20 }, (_, at) => store.create('users', `u${at}`, at)));
    const busy = Array.from({ length: 200 }, (_, at) => failureOf(store.create('keys', `k${at}`, at)));
    await server.kill();
    for (const result of await Promise.all(busy)) {
      if (result !== true) expect(result).toBeInstanceOf(StoreUnavailable);
    }
    await expectUnavailable([store.get('users', 'u1'), reserveOn(store), store.settle(hold, charged())]);
    await server.restart();
    await recovered(store);
    const acknowledged = (await Promise.all(busy)).flatMap((won, at) => (won === true ? [`k${at}`] : []));
    expect((await store.getMany('keys', acknowledged)).indexOf(undefined)).toBe(-1);
    expect(await store.settle(hold, charged({ promptTokens: 3 }))).toBe(true);
    expect((await countersOf(store, hold))[2]).toEqual({ used: 3, held: 0 });
  });

  it('that is restarted while connections are idle is not noticed', async () => {
    const store = open({ url: place() });
    await Promise.all(Array.from({ length: 10 }, () => store.health()));
    await server.restart();
    await recovered(store);
    expect(await store.create('users', 'u1', 1)).toBe(true);
  });

  it('that freezes fails the calls in time, and carries out none of them when it thaws', async () => {
    const store = open({ url: place() });
    const [held, unborn] = [holdOn({ ...bench, store }), holdOn({ ...bench, store })];
    await reserveOn(store, held);
    for (const id of ['updated', 'taken', 'deleted']) await store.create('sessions', id, 'old');
    await Promise.all(Array.from({ length: 10 }, () => store.health()));
    onTestFinished(() => server.thaw());
    server.freeze();
    const known = charged({ promptTokens: 7 });
    await expectUnavailable([
      reserveOn(store, unborn),
      store.create('sessions', 'created', 'late'),
      store.update('sessions', 'updated', 1, 'late'),
      store.take('sessions', 'taken'),
      store.delete('sessions', 'deleted'),
      store.extend(held, exactly(10), { lease: 60_000, known }),
      store.get('sessions', 'updated'),
      // More than there are connections: some wait for one.
      ...Array.from({ length: 10 }, (_, at) => store.create('users', `u${at}`, 'late')),
      // More than the runs under way can take.
      ...Array.from({ length: 300 }, () => reserveOn(store)),
    ]);
    server.thaw();
    await recovered(store);
    await sleep(500);
    const ids = ['updated', 'taken', 'deleted', 'created'];
    const rows = await store.getMany('sessions', ids);
    expect(rows.map((row) => row && [row.value, row.version])).toEqual([
      ['old', 1],
      ['old', 1],
      ['old', 1],
      undefined,
    ]);
    expect(await store.list('users', { limit: 10 })).toEqual([]);
    expect((await countersOf(store, held))[2]).toEqual({ used: 0, held: 10 });
    expect(await store.settle(unborn, charged({ requests: 0 }))).toBe(true);
    expect((await countersOf(store, unborn))[2]).toEqual({ used: 0, held: 10 });
  });

  it('that freezes in the middle of a settle counts it once', async () => {
    const store = open({ url: place() });
    const hold = holdOn({ ...bench, store });
    await reserveOn(store, hold);
    onTestFinished(() => server.thaw());
    server.freeze();
    const charge = charged({ promptTokens: 3 });
    await expectUnavailable([store.settle(hold, charge)]);
    server.thaw();
    await recovered(store);
    await store.settle(hold, charge);
    expect(await countersOf(store, hold)).toMatchObject([{ used: 1 }, { used: 1 }, { used: 3 }, { used: 3 }]);
  });

  it('that is frozen is left without a handle', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => /^TCP/.test(name)).length;
    const before = sockets();
    const store = open({ url: place() });
    await Promise.all(Array.from({ length: 10 }, () => store.health()));
    expect(sockets()).toBeGreaterThan(before);
    onTestFinished(() => server.thaw());
    server.freeze();
    const call = failureOf(store.get('users', 'u1'));
    await store.close();
    expect(await call).toBeInstanceOf(StoreUnavailable);
    await sleep(50);
    expect(sockets()).toBeLessThanOrEqual(before);
  });

  it('that answers lets calls under way end before it is left', async () => {
    const store = postgres({ url: place() });
    const calls = Array.from({ length: 50 }, (_, at) => store.create('users', `u${at}`, at));
    await store.close();
    expect(await Promise.all(calls)).toEqual(Array(50).fill(true));
  });
});
