import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createThrottle } from '../../src/core/auth/throttle.js';
import { holdId } from '../../src/core/store/hold-id.js';
import { STORE_DEADLINE, type Store, StoreUnavailable } from '../../src/core/store/port.js';
import { connect } from '../../src/core/store/sqlite/connection.js';
import { journalMode, sqliteLibrary } from '../../src/core/store/sqlite/library.js';
import { migrate } from '../../src/core/store/sqlite/schema.js';
import { sqlite } from '../../src/core/store/sqlite.js';
import { folder } from './folder.js';
import { charged, countersOf, exactly, holdOn, testStore } from './suite.js';

testStore('sqlite', async ({ now }) => sqlite({ path: join(folder(), 'store.db'), now }), {
  fakeClock: true,
});

function open(path: string): Store {
  const store = sqlite({ path });
  onTestFinished(() => store.close());
  return store;
}

/** Locks the database as another process would. */
function lock(path: string): () => void {
  const other = new DatabaseSync(path);
  other.exec('PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE');
  return () => other.close();
}

const bench = { now: Date.now, pass: sleep, fakeClock: false, span: 1000 } as const;

describe('the file', () => {
  it('is made with its directory, for its owner alone', async () => {
    const directory = join(folder(), 'a', 'b');
    const path = join(directory, 'store.db');
    await open(path).create('users', 'u1', 1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it('is not made before it is needed', () => {
    const path = join(folder(), 'store.db');
    const store = open(path);
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
    expect([store.kind, store.place]).toEqual(['sqlite', path]);
  });

  it('keeps the mode that its owner gave it', async () => {
    const path = join(folder(), 'store.db');
    writeFileSync(path, '');
    chmodSync(path, 0o640);
    await open(path).health();
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it('keeps everything when it is opened again', async () => {
    const path = join(folder(), 'store.db');
    const first = open(path);
    const hold = holdOn({ ...bench, store: first }, { requests: 5 });
    await first.create('users', 'u1', 'Ann');
    await first.reserve(hold, exactly(10), { lease: 60_000, sentAt: Date.now() });
    await first.close();
    const second = open(path);
    expect(await second.get('users', 'u1')).toMatchObject({ value: 'Ann' });
    expect(await second.settle(hold, charged({ promptTokens: 3 }))).toBe(true);
    expect((await countersOf(second, hold))[2]).toEqual({ used: 3, held: 0 });
  });

  it('is shared by two connections', async () => {
    const path = join(folder(), 'store.db');
    const stores = [open(path), open(path)];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, call) => {
        const store = stores[call % 2]!;
        const hold = holdOn({ ...bench, store }, { requests: 50 });
        return store.reserve(hold, exactly(1), { lease: 60_000, sentAt: Date.now() });
      }),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(50);
  });

  it.each([
    ['no database', (path: string) => writeFileSync(path, 'This is a text, and a long one.\n'.repeat(50))],
    ['a directory', (path: string) => mkdirSync(path)],
  ])('that is %s makes the store unavailable', async (_, make) => {
    const path = join(folder(), 'store.db');
    make(path);
    const failure = await open(path)
      .health()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(failure).toHaveProperty('cause.message');
  });

  it('of an older version keeps its holds, active and ended', async () => {
    const path = join(folder(), 'store.db');
    const [active, settled] = [
      holdOn({ ...bench, store: open(path) }),
      holdOn({ ...bench, store: open(path) }),
    ];
    const old = new DatabaseSync(path);
    migrate(old, 1);
    for (const { id, state, until, body } of [
      { ...active, state: 'active', until: 0, body: JSON.stringify(active) },
      { ...settled, state: 'settled', until: Date.now() + 60_000, body: null },
    ]) {
      old
        .prepare('INSERT INTO holds (id, state, until, tokens, body) VALUES (?, ?, ?, 7, ?)')
        .run(id, state, until, body);
    }
    for (const { key, counts, expiresAt } of active.claims) {
      old
        .prepare('INSERT INTO counters (subject, key, used, held, expires_at) VALUES (?, ?, 10, ?, ?)')
        .run(active.subject, key, counts === 'tokens' ? 7 : 1, expiresAt);
    }
    old.close();

    const store = open(path);
    expect(await store.sweep()).toEqual({ expiredHolds: 1 });
    const keys = active.claims.map(({ key }) => key);
    for (const counter of await store.counters(active.subject, keys)) {
      expect(counter).toEqual({ used: 10, held: 0 });
    }
    expect(await store.settle(settled, charged({ requests: 1 }))).toBe(false);
    expect(await store.settle(active, charged({ requests: 1 }))).toBe(true);
    expect(await store.settle(active, charged({ requests: 1 }))).toBe(false);
  });

  it('of a newer version is refused, and left as it is', async () => {
    const path = join(folder(), 'store.db');
    const store = open(path);
    await store.health();
    await store.close();
    const other = new DatabaseSync(path);
    other.exec("UPDATE meta SET value = 99 WHERE name = 'schema'");
    const failure = await open(path)
      .get('users', 'u1')
      .catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
    expect(String(failure)).toMatch(/newer Parallama.*version 99/);
    expect(other.prepare("SELECT value FROM meta WHERE name = 'schema'").get()).toMatchObject({ value: 99 });
    other.close();
  });

  it('that vanishes makes the store unhealthy until it is back', async () => {
    const path = join(folder(), 'store.db');
    const store = open(path);
    await store.create('users', 'u1', 'Ann');
    renameSync(path, `${path}.away`);
    await expect(store.health()).rejects.toBeInstanceOf(StoreUnavailable);
    renameSync(`${path}.away`, path);
    await store.health();
    expect(await store.get('users', 'u1')).toMatchObject({ value: 'Ann' });
  });

  it.each(['deleted', 'moved'])(
    'that was %s is not used any more, by no call, and not begun anew',
    async (how) => {
      const path = join(folder(), 'store.db');
      const store = open(path);
      await store.create('users', 'u1', 'Ann');
      if (how === 'moved') renameSync(path, `${path}.away`);
      else rmSync(path);
      // Once it was seen, it stays so; until then a tenth of a second may pass.
      await sleep(120);
      for (let round = 0; round < 5; round += 1) {
        const calls = [
          store.health(),
          store.get('users', 'u1'),
          store.create('users', `u2${round}`, 'Bob'),
          store.settle(holdOn({ ...bench, store }), charged()),
          store.sweep(),
        ];
        for (const call of calls)
          await expect(call).rejects.toThrow(/store\.db was deleted or moved\. Put it back/);
        expect(existsSync(path)).toBe(false);
      }
      if (how === 'deleted') return;
      renameSync(`${path}.away`, path);
      expect(await store.get('users', 'u1')).toMatchObject({ value: 'Ann' });
      expect(await store.get('users', 'u20')).toBeUndefined();
    },
  );

  it('that was restored from a copy is the one that is used', async () => {
    const path = join(folder(), 'store.db');
    const store = open(path);
    await store.create('users', 'u1', 'old');
    new DatabaseSync(path).exec(`VACUUM INTO '${path}.copy'`);
    await store.update('users', 'u1', 1, 'new');
    for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
    copyFileSync(`${path}.copy`, path);
    await store.health();
    expect(await store.get('users', 'u1')).toMatchObject({ value: 'old' });
  });
});

describe('a locked database', () => {
  it('is waited for, and the event loop runs on meanwhile', async () => {
    const path = join(folder(), 'store.db');
    const store = open(path);
    await store.health();
    const unlock = lock(path);
    let beats = 0;
    const heart = setInterval(() => {
      beats += 1;
    }, 10);
    const writes = Array.from({ length: 100 }, (_, at) => store.create('users', `u${at}`, at));
    await sleep(600);
    unlock();
    expect((await Promise.all(writes)).every(Boolean)).toBe(true);
    clearInterval(heart);
    // 60 would be perfect; a hundred calls that block in turn leave next to none.
    expect(beats).toBeGreaterThan(15);
  });

  it('makes the store unavailable after the deadline, for all who wait', async () => {
    const path = join(folder(), 'store.db');
    const store = open(path);
    await store.health();
    const unlock = lock(path);
    const start = performance.now();
    const writes = Array.from({ length: 20 }, (_, at) => store.create('users', `u${at}`, at));
    const results = await Promise.allSettled(writes);
    expect(performance.now() - start).toBeGreaterThan(STORE_DEADLINE * 0.9);
    expect(performance.now() - start).toBeLessThan(STORE_DEADLINE * 2);
    for (const result of results) expect(result).toMatchObject({ reason: { name: 'StoreUnavailable' } });
    unlock();
    expect(await store.create('users', 'u0', 1)).toBe(true);
  });

  it('lets nobody wait once the store is closed, and nothing happens later', async () => {
    const path = join(folder(), 'store.db');
    const store = open(path);
    await store.health();
    const unlock = lock(path);
    const write = store.create('users', 'u1', 1);
    await store.close();
    unlock();
    await expect(write).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await open(path).get('users', 'u1')).toBeUndefined();
  });
});

describe('a transaction', () => {
  it('is undone where its work throws, and the error comes through as it is', async () => {
    const connection = connect(join(folder(), 'store.db'));
    onTestFinished(() => connection.close());
    const bug = new TypeError('a bug');
    const write = connection.write((sql) => {
      sql("INSERT INTO meta (name, value) VALUES ('x', 1)").run();
      throw bug;
    });
    await expect(write).rejects.toBe(bug);
    const rows = await connection.read((sql) => sql("SELECT 1 FROM meta WHERE name = 'x'").all());
    expect(rows).toEqual([]);
  });
});

describe('SQLite', () => {
  it.each([
    ['3.44.5', 'TRUNCATE'],
    ['3.44.6', 'WAL'],
    ['3.47.2', 'TRUNCATE'],
    ['3.50.6', 'TRUNCATE'],
    ['3.50.7', 'WAL'],
    ['3.51.2', 'TRUNCATE'],
    ['3.51.3', 'WAL'],
    ['3.53.4', 'WAL'],
    ['4.0.0', 'WAL'],
    ['unknown', 'TRUNCATE'],
  ])('%s is used with the journal %s', (version, mode) => {
    expect(journalMode(version)).toBe(mode);
  });

  it('is loaded without a lasting hand on the warnings', () => {
    const before = process.emitWarning;
    expect(sqliteLibrary().DatabaseSync).toBe(DatabaseSync);
    expect(process.emitWarning).toBe(before);
  });

  it('has the journal that its version asks for, and says where it is the slow one', async () => {
    const path = join(folder(), 'store.db');
    const store = open(path);
    await store.health();
    const row = new DatabaseSync(path).prepare('PRAGMA journal_mode').get();
    const mode = journalMode(process.versions.sqlite ?? '');
    expect(row).toMatchObject({ journal_mode: mode === 'WAL' ? 'wal' : expect.any(String) });
    expect(store.notice === undefined).toBe(mode === 'WAL');
  });
});

describe('calls of one turn, which share a transaction', () => {
  it('do not share the failure of one of them', async () => {
    const store = open(join(folder(), 'store.db'));
    const holds = [1, 2, 3].map(() => holdOn({ ...bench, store }, { requests: 5 }));
    const tokens = { least: 1, most: 1, share: 1 };
    const reserve = (hold: (typeof holds)[number], sentAt: number) =>
      store.reserve(hold, tokens, { lease: 60_000, sentAt });
    const [first, late, last] = await Promise.allSettled([
      reserve(holds[0]!, Date.now()),
      reserve(holds[1]!, Date.now() - 60_000),
      reserve(holds[2]!, Date.now()),
    ]);
    expect(first).toMatchObject({ status: 'fulfilled', value: { ok: true } });
    expect(late).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
    expect(last).toMatchObject({ status: 'fulfilled', value: { ok: true } });
    const [counter] = await store.counters(holds[0]!.subject, [holds[0]!.claims[0]!.key]);
    expect(counter).toEqual({ used: 0, held: 2 });
  });
});

describe('calls of one turn of which many fail', () => {
  it('run twice at the most, and the others are carried out', async () => {
    const connection = connect(join(folder(), 'store.db'));
    onTestFinished(() => connection.close());
    let runs = 0;
    const writes = Array.from({ length: 200 }, (_, at) =>
      connection.write((sql) => {
        runs += 1;
        sql('INSERT INTO meta (name, value) VALUES (?, 1)').run(`row-${at}`);
        if (at % 2 === 1) throw new RangeError(`the bug of ${at}`);
        return at;
      }),
    );
    const results = await Promise.allSettled(writes);
    expect(runs).toBeLessThanOrEqual(2 * writes.length);
    for (const [at, result] of results.entries()) {
      if (at % 2 === 0) expect(result).toEqual({ status: 'fulfilled', value: at });
      else expect(result).toMatchObject({ reason: new RangeError(`the bug of ${at}`) });
    }
    const rows = await connection.read((sql) => sql("SELECT 1 FROM meta WHERE name LIKE 'row-%'").all());
    expect(rows).toHaveLength(100);
  });

  it('are not undone by reservations that come late', async () => {
    let looks = 0;
    const now = () => {
      looks += 1;
      return Date.now();
    };
    const store = sqlite({ path: join(folder(), 'store.db'), now });
    onTestFinished(() => store.close());
    const holds = Array.from({ length: 100 }, () => holdOn({ ...bench, store }));
    const calls = holds.flatMap((hold) => [
      store.settle(hold, charged()),
      store.reserve(holdOn({ ...bench, store }), exactly(1), {
        lease: 60_000,
        sentAt: Date.now() - 60_000,
      }),
    ]);
    const results = await Promise.allSettled(calls);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
    expect((await countersOf(store, holds[0]!))[0]).toEqual({ used: 100, held: 0 });
    // Each step looks at the clock once, whenever it is carried out.
    expect(looks).toBe(calls.length);
  });
});

describe('marks of ended holds', () => {
  const DAY = 86_400_000;

  it('are forgotten after a day, whatever number of logins came since', async () => {
    let now = Date.now();
    const path = join(folder(), 'store.db');
    const store = sqlite({ path, now: () => now });
    const request = { ...holdOn({ ...bench, store, now: () => now }), id: holdId(now) };
    await store.reserve(request, exactly(1), { lease: 30_000, sentAt: now });
    await store.settle(request, charged());
    now += 0.8 * DAY;
    const throttle = createThrottle({ store, now: () => now });
    for (let i = 0; i < 250; i += 1) await throttle.guard({ name: `name${i}` }, async () => true);
    const marks = () => new DatabaseSync(path).prepare('SELECT id FROM ended_holds').all();
    expect(marks()).toHaveLength(251);
    now += 0.3 * DAY;
    await store.sweep();
    expect(marks()).toHaveLength(250);
    expect(marks()).not.toContainEqual({ id: request.id });
    await store.close();
  });
});
