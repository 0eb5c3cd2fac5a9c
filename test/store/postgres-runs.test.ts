/** Quota calls that go over to PostgreSQL together. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Hold, type Store, StoreUnavailable } from '../../src/core/store/port.js';
import { RECORD_FUNCTIONS } from '../../src/core/store/postgres/record-functions.js';
import { TABLES } from '../../src/core/store/postgres/tables.js';
import { postgres } from '../../src/core/store/postgres.js';
import { ask, usePostgres } from '../support/services/postgres.js';
import { charged, countersOf, exactly, holdOn } from './suite.js';

const fresh = usePostgres();
const bench = { now: Date.now, pass: sleep, fakeClock: false, span: 1000 } as const;
const schemaOf = (url: string) => new URL(url).searchParams.get('schema')!;
const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

async function open(url = fresh()) {
  const store = postgres({ url });
  onTestFinished(() => store.close());
  await store.health();
  const sql = (statement: string) => ask(`${url}&options=-csearch_path=${schemaOf(url)}`, statement);
  return { store, url, sql };
}

function hold(store: Store, subject = 'ann', limits: Parameters<typeof holdOn>[1] = {}): Hold {
  return holdOn({ ...bench, store }, limits, { subject });
}

function reserve(store: Store, one: Hold, tokens = 10, age = 0) {
  return store.reserve(one, exactly(tokens), { lease: 60_000, sentAt: Date.now() - age });
}

/** Has a subject's lock, as another gateway would, until the function that is returned is called. */
async function lockedBySomebody(url: string, subject: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('SELECT pg_advisory_lock(1886544236, hashtext($1))', [subject]);
  return () => client.end();
}

/** How many rows each transaction has written. */
async function written(url: string, table: string): Promise<number[]> {
  const rows = await ask(
    url,
    `SELECT count(*)::integer AS rows FROM ${schemaOf(url)}.${table} GROUP BY xmin::text ORDER BY rows DESC`,
  );
  return rows.map(({ rows }) => Number(rows));
}

describe('calls of one turn', () => {
  it('share a transaction, whosoever they are', async () => {
    const { store, url } = await open();
    const holds = times(60, (at) => hold(store, `user-${at % 7}`));
    const answers = await Promise.all(holds.map((one) => reserve(store, one)));
    expect(answers.every(({ ok }) => ok)).toBe(true);
    expect(await written(url, 'active_holds')).toEqual([60]);
    const known = charged({ promptTokens: 1 });
    const all = await Promise.all([
      ...holds.slice(0, 20).map((one) => store.extend(one, exactly(5), { lease: 60_000, known })),
      ...holds.slice(20).map((one) => store.settle(one, known)),
      ...times(10, () => reserve(store, hold(store, 'user-0'))),
    ]);
    expect(all.slice(0, 20)).toEqual(times(20, () => ({ ok: true, granted: 5, left: null })));
    expect(all.slice(20, 60)).toEqual(times(40, () => true));
    expect(await written(url, 'ended_holds')).toEqual([40]);
    expect(await written(url, 'active_holds')).toEqual([30]);
    expect(await written(url, 'counters')).toEqual([28]);
  });

  it('are at most a hundred steps of a transaction', async () => {
    const { store, url } = await open();
    await Promise.all(times(250, (at) => reserve(store, hold(store, `user-${at}`))));
    expect(await written(url, 'active_holds')).toEqual([100, 100, 50]);
  });

  it('that come while others are under way go over together', async () => {
    const { store, url } = await open();
    const release = await lockedBySomebody(url, 'ann');
    const calls: Promise<unknown>[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      calls.push(reserve(store, hold(store)));
      await sleep(5);
    }
    await release();
    await Promise.all(calls);
    expect(await written(url, 'active_holds')).toEqual([9, 1]);
  });

  it('do not wait for a subject that somebody has locked, unless it is theirs', async () => {
    const { store, url } = await open();
    const release = await lockedBySomebody(url, 'ann');
    const waiting = times(5, () => reserve(store, hold(store)));
    await sleep(50);
    waiting.push(reserve(store, hold(store)));
    for (let round = 0; round < 5; round += 1) {
      expect(await reserve(store, hold(store, 'bob'))).toMatchObject({ ok: true });
    }
    await release();
    expect((await Promise.all(waiting)).every(({ ok }) => ok)).toBe(true);
  });

  it('are decided in their order, each by what those before have left', async () => {
    const { store } = await open();
    const limits = { requests: 40, tokens: 255 };
    const answers = await Promise.all(times(60, () => reserve(store, hold(store, 'ann', limits))));
    expect(answers.map(({ ok }) => ok)).toEqual([...times(25, () => true), ...times(35, () => false)]);
    expect(answers[24]).toMatchObject({ granted: 10, left: 15 });
    expect(answers[25]).toMatchObject({ at: 2, counters: [{}, {}, { used: 0, held: 250 }, {}] });
    expect((await countersOf(store, hold(store)))[2]).toEqual({ used: 0, held: 250 });
  });

  it('have room from what one of them gives back, if it comes before', async () => {
    const { store } = await open();
    const [full, next, late] = times(3, () => hold(store, 'ann', { requests: 1 }));
    await reserve(store, full!);
    const before = reserve(store, late!);
    const settled = store.settle(full!, charged({ requests: 0 }));
    const after = reserve(store, next!);
    expect(await before).toMatchObject({ ok: false, at: 0 });
    expect(await settled).toBe(true);
    expect(await after).toMatchObject({ ok: true });
  });

  it('for one hold follow each other', async () => {
    const { store } = await open();
    const one = hold(store);
    const known = charged({ promptTokens: 3 });
    const answers = await Promise.all([
      reserve(store, one),
      reserve(store, one),
      store.extend(one, exactly(5), { lease: 60_000, known }),
      store.settle(one, known),
      store.settle(one, known),
    ]);
    expect(answers).toMatchObject([
      { ok: true },
      { ok: false, at: -1 },
      { ok: true, granted: 5 },
      true,
      false,
    ]);
    expect((await countersOf(store, one))[2]).toEqual({ used: 3, held: 0 });
  });

  it('may reserve and settle at once', async () => {
    const { store } = await open();
    const one = hold(store);
    const answers = await Promise.all([reserve(store, one), store.settle(one, charged({ promptTokens: 3 }))]);
    expect(answers).toMatchObject([{ ok: true }, true]);
    expect((await countersOf(store, one))[2]).toEqual({ used: 3, held: 0 });
  });

  it('are answered before the store closes', async () => {
    const store = postgres({ url: fresh() });
    const calls = times(150, () => store.settle(hold(store), charged()));
    const closing = [store.close(), store.close()];
    await expect(store.settle(hold(store), charged())).rejects.toBeInstanceOf(StoreUnavailable);
    await Promise.all(closing);
    expect(await Promise.all(calls)).toEqual(times(150, () => true));
  });
});

describe('the failure of one step', () => {
  it.each([
    ['asks for what is no number of tokens', (store: Store) => reserve(store, hold(store, 'bob'), 1.5)],
    ['has no claims', (store: Store) => reserve(store, { id: '1', subject: 'bob' } as Hold)],
    ['is out of the range of its counter', (store: Store) => reserve(store, hold(store, 'rich'))],
  ])('that %s leaves the others answered, once', async (_, fail) => {
    const { store, sql } = await open();
    await reserve(store, hold(store, 'rich'));
    await sql('UPDATE counters SET held = 9223372036854775807');
    const holds = times(10, () => hold(store));
    const before = holds.slice(0, 5).map((one) => reserve(store, one));
    const failed = fail(store).catch((error: unknown) => error);
    const after = holds.slice(5).map((one) => reserve(store, one));
    const answers = await Promise.all([...before, ...after]);
    expect(answers.map(({ ok }) => ok)).toEqual(times(10, () => true));
    const failure = await failed;
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
    expect((await countersOf(store, hold(store)))[2]).toEqual({ used: 0, held: 100 });
  });

  it('that came too late leaves the others in time', async () => {
    const { store, url } = await open();
    const release = await lockedBySomebody(url, 'ann');
    const late = hold(store, 'ann');
    const calls = [reserve(store, late, 10, 1900), reserve(store, hold(store, 'bob'))] as const;
    await expect(calls[0]).rejects.toBeInstanceOf(StoreUnavailable);
    await release();
    expect(await calls[1]).toMatchObject({ ok: true });
    expect(await store.settle(late, charged({ requests: 0 }))).toBe(true);
    expect((await countersOf(store, late))[0]).toEqual({ used: 0, held: 0 });
  });
});

describe('a run', () => {
  /** Makes the first writes of holds fail; what a sequence has counted stays when all else is undone. */
  const failing = (code: string) => `CREATE SEQUENCE tries;
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF nextval('tries') <= 3 THEN RAISE EXCEPTION 'undone' USING ERRCODE = '${code}'; END IF;
      RETURN new;
    END $$;
    CREATE TRIGGER fail BEFORE INSERT ON active_holds FOR EACH ROW EXECUTE FUNCTION fail()`;

  it.each(['40P01', '40001'])(
    'that PostgreSQL undoes because of others (%s) is tried again',
    async (code) => {
      const { store, url, sql } = await open();
      await sql(failing(code));
      const answers = await Promise.all(times(10, () => reserve(store, hold(store))));
      expect(answers.map(({ ok }) => ok)).toEqual(times(10, () => true));
      expect(await written(url, 'active_holds')).toEqual([10]);
    },
  );

  it("measures the server's clock anew where a step is late that has time left", async () => {
    const { store, sql } = await open(`${fresh()}&application_name=measuring`);
    await reserve(store, hold(store));
    const connections =
      'SELECT pid FROM pg_stat_activity WHERE application_name = $$measuring$$ AND pid <> pg_backend_pid()';
    const before = await sql(connections);
    await sql(`CREATE SEQUENCE looks; CREATE OR REPLACE FUNCTION now_ms(p_now bigint) RETURNS bigint LANGUAGE sql AS $$
      SELECT coalesce(p_now, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        + CASE WHEN nextval('looks') <= 1 THEN 9000 ELSE 0 END $$`);
    expect(await reserve(store, hold(store))).toMatchObject({ ok: true });
    expect(await sql(connections)).not.toEqual(before);
    expect((await countersOf(store, hold(store)))[0]).toEqual({ used: 0, held: 2 });
  });

  it('never waits in a circle with another one, or with renewals', async () => {
    const { store: one, url, sql } = await open();
    const { store: other } = await open(url);
    const deadlocks = async () => {
      const [row] = await sql('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
      return Number(row!.deadlocks);
    };
    const before = await deadlocks();
    const users = times(40, (at) => `user-${at}`);
    const work = async (store: Store, subjects: string[]) => {
      for (let round = 0; round < 25; round += 1) {
        const holds = subjects.map((subject) => hold(store, subject));
        await Promise.all(holds.map((each) => reserve(store, each)));
        const renewed = holds.slice(0, 20).map((each) => ({ hold: each, known: charged() }));
        const settled = holds.slice(20).map((each) => store.settle(each, charged()));
        await Promise.all([store.renew(renewed, 60_000), store.renew(renewed.reverse(), 60_000), ...settled]);
        await Promise.all(holds.slice(0, 20).map((each) => store.settle(each, charged())));
      }
    };
    await Promise.all([work(one, users), work(other, users.toReversed())]);
    await Promise.all([one.close(), other.close()]);
    expect(await deadlocks()).toBe(before);
    const rows = await sql("SELECT DISTINCT used, held FROM counters WHERE key LIKE 'requests%'");
    expect(rows).toEqual([{ used: '50', held: '0' }]);
  });

  it('reads no table from end to end, though plans are made while tables are small', async () => {
    const { store, sql } = await open();
    for (let round = 0; round < 30; round += 1) {
      const holds = times(30, () => hold(store));
      await Promise.all(holds.map((each) => reserve(store, each)));
      await Promise.all(holds.map((each) => store.settle(each, charged())));
    }
    await store.close();
    const looks = () =>
      sql(`SELECT seq_scan::integer AS whole, idx_scan::integer AS by_index FROM pg_stat_user_tables
        WHERE relid = 'active_holds'::regclass`).then(([row]) => row as { whole: number; by_index: number });
    // The server counts a session's when it has ended.
    await vi.waitFor(async () => expect((await looks()).by_index).toBeGreaterThan(0), 5000);
    // Making an index reads its table, too.
    expect((await looks()).whole).toBeLessThan(5);
  });

  it('takes as many renewals as there are', async () => {
    const { store } = await open();
    const holds = times(450, () => hold(store));
    await Promise.all(holds.map((one) => reserve(store, one)));
    const gone = hold(store);
    const all = [...holds, gone].map((one) => ({ hold: one, known: charged() }));
    expect(await store.renew(all, 60_000)).toEqual([gone.id]);
  });
});

describe('the tables of an older version', () => {
  it('keep their holds, active and ended, and lose their functions', async () => {
    const url = fresh();
    const [active, settled] = times(2, () => hold(postgres({ url })));
    const schema = schemaOf(url);
    const list = (values: (string | number)[]) => `'{${values.join(',')}}'`;
    const claims = active!.claims;
    await ask(
      url,
      `CREATE SCHEMA ${schema}; SET search_path = ${schema};
      CREATE TABLE meta (name text NOT NULL PRIMARY KEY, value bigint NOT NULL);
      INSERT INTO meta VALUES ('schema', 1); ${TABLES} ${RECORD_FUNCTIONS}
      CREATE FUNCTION charge(p_hold holds, p_sum bigint[], p_held bigint) RETURNS void LANGUAGE sql AS 'SELECT';
      CREATE FUNCTION reserve(p_id text) RETURNS void LANGUAGE sql AS 'SELECT';
      INSERT INTO holds VALUES ('${active!.id}', 'ann', 'active', 0, 7, '{1,2,0,0,0,5}',
        ${list(claims.map(({ key }) => key))}, ${list(claims.map(({ counts }) => counts))},
        ${list(claims.map(({ expiresAt }) => expiresAt))}, 'openai', 'llama2', '2026-11-23T04');
      INSERT INTO holds VALUES ('${settled!.id}', 'ann', 'settled', ${Date.now() + 60_000}, 0);
      INSERT INTO counters SELECT 'ann', key, 10, held, ${claims[0]!.expiresAt}
        FROM unnest(${list(claims.map(({ key }) => key))}::text[], '{1,1,7,7}'::bigint[]) AS c(key, held)`,
    );
    const { store, sql } = await open(url);
    expect(
      await sql(`SELECT 1 FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace
      AND proname IN ('charge', 'reserve')`),
    ).toEqual([]);
    expect(await store.sweep()).toEqual({ expiredHolds: 1 });
    expect(await countersOf(store, active!)).toEqual([
      { used: 11, held: 0 },
      { used: 11, held: 0 },
      { used: 12, held: 0 },
      { used: 12, held: 0 },
    ]);
    expect(await store.settle(settled!, charged())).toBe(false);
    expect(await store.settle(active!, charged({ promptTokens: 5 }))).toBe(true);
    expect((await countersOf(store, active!))[2]).toEqual({ used: 15, held: 0 });
  });
});
