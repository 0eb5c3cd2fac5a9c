/**
 * A pool of connections, opened on first use: statements with a deadline, which holds for the server, too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { createCrowd, type Member } from '../../crowd.js';
import { STORE_DEADLINE, StoreUnavailable } from '../port.js';
import type { Address } from './address.js';
import { isWorthRetrying, leavesConnection, toStoreError } from './failures.js';
import { postgresLibrary } from './library.js';
import { migrate } from './schema.js';

export type Value = string | number | boolean | null | undefined | (string | number | null)[];

export interface Connection {
  /** Runs one statement. It may run again where it was undone. */
  query<R extends object>(text: string, values: Value[]): Promise<R[]>;
  /**
   * Runs one statement that must not be carried out late: its $1 is the deadline on the server's clock, in
   * milliseconds since 1970, and the values follow.
   * @param age milliseconds of the deadline that have gone by already
   */
  write<R extends object>(text: string, values: Value[], age?: number): Promise<R[]>;
  /** Runs one statement, whose caller keeps its own deadlines; those of the server, too. */
  run<R extends object>(call: Call<R>): Promise<R[]>;
  /** Waits for calls under way, as long as they may take; all later ones are rejected. */
  close(): Promise<void>;
}

export interface Call<R> {
  text: string;
  /** Of a statement that a connection remembers. */
  name?: string;
  /** @param offset what the server's clock shows more than `performance.now()` here, at least */
  valuesAt(offset: number): Value[];
  /** When the last caller gives up, on the clock of `performance.now()`. */
  end: number;
  /** The answer shows that the connection's measure of the server's clock is wrong. */
  isSuspect?(rows: R[]): boolean;
}

interface Running extends Member {
  done: Promise<unknown>;
}

/** Milliseconds for which the server may take to say goodbye. */
const GOODBYE = 500;
/** Seconds after which a connection is made anew, and with it its measure of the server's clock. */
const LIFETIME = 600;
const IDLE = 60_000;

const GREETING = `SELECT set_config('search_path', $1, false), set_config('statement_timeout', $2, false),
  set_config('lock_timeout', $2, false), set_config('default_transaction_isolation', 'read committed', false),
  extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`;

export function connect(address: Address): Connection {
  /** What the server's clock shows more than `performance.now()` here, at least. */
  const offsets = new WeakMap<PoolClient, number>();
  const clients = new Set<PoolClient>();
  const running = createCrowd<Running>();
  let opening: Promise<Pool> | undefined;
  let migrating: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const open = async (): Promise<Pool> => {
    const pg = await postgresLibrary();
    const pool = new pg.Pool({
      fallback_application_name: 'parallama',
      keepAlive: true,
      idleTimeoutMillis: IDLE,
      maxLifetimeSeconds: LIFETIME,
      ...address.config,
      connectionTimeoutMillis: STORE_DEADLINE,
      query_timeout: STORE_DEADLINE,
    });
    // A server that goes away is an error of each connection, idle or not. Calls notice it by themselves.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => {
      clients.add(client);
      client.on('error', () => undefined);
    });
    pool.on('remove', (client) => clients.delete(client));
    return pool;
  };

  const greet = async (client: PoolClient): Promise<void> => {
    const { rows } = await client.query<{ now: number }>(GREETING, [address.schema, String(STORE_DEADLINE)]);
    // The server read its clock before now: the deadline is rather too early than too late.
    const offset = rows[0]!.now - performance.now();
    migrating ??= migrate(client, address.schema).finally(() => {
      migrating = undefined;
    });
    await migrating;
    offsets.set(client, offset);
  };

  const checkout = async (): Promise<PoolClient> => {
    opening ??= open();
    const client = await (await opening).connect();
    try {
      if (!offsets.has(client)) await greet(client);
      return client;
    } catch (error) {
      client.release(true);
      throw error;
    }
  };

  const attempt = async <R extends object>(call: Call<R>): Promise<R[]> => {
    const { name, text, valuesAt, end, isSuspect } = call;
    const client = await checkout();
    if (performance.now() >= end) {
      client.release();
      throw silent();
    }
    try {
      const values = valuesAt(offsets.get(client)!);
      const { rows } = await client.query<R>({ name, text, values });
      client.release(isSuspect?.(rows) ?? false);
      return rows;
    } catch (error) {
      client.release(!leavesConnection(error));
      throw error;
    }
  };

  const insist = async <R extends object>(call: Call<R>): Promise<R[]> => {
    for (;;) {
      try {
        return await attempt<R>(call);
      } catch (error) {
        if (!isWorthRetrying(error) || performance.now() >= call.end) throw toStoreError(error);
        await sleep(1 + Math.random() * 9);
      }
    }
  };

  const run = <R extends object>(call: Call<R>): Promise<R[]> => {
    if (closing) return Promise.reject(new StoreUnavailable('The store is closed.'));
    const work = insist(call);
    const one: Running = { done: work.catch(() => undefined).finally(() => running.leave(one)) };
    running.enter(one);
    return work;
  };

  const timed = <R extends object>(
    text: string,
    valuesAt: (deadline: number) => Value[],
    age: number,
  ): Promise<R[]> => {
    const left = STORE_DEADLINE - Math.max(0, age);
    if (left <= 0) return Promise.reject(new StoreUnavailable('The call came too late.'));
    const end = performance.now() + left;
    const valuesAtOffset = (offset: number) => valuesAt(Math.floor(end + offset)).map(storable);
    return within(left, run<R>({ text, valuesAt: valuesAtOffset, end }));
  };

  const shut = async (): Promise<void> => {
    await within(2 * STORE_DEADLINE, Promise.all(running.all().map(({ done }) => done))).catch(
      () => undefined,
    );
    const pool = await opening?.catch(() => undefined);
    if (!pool) return;
    await within(GOODBYE, pool.end()).catch(() => undefined);
    for (const client of clients) client.connection.stream.destroy();
  };

  return {
    query: (text, values) => timed(text, () => values, 0),
    write: (text, values, age = 0) => timed(text, (deadline) => [deadline, ...values], age),
    run,
    close() {
      closing ??= shut();
      return closing;
    },
  };
}

/** What `work` comes to, unless that takes longer than `ms` milliseconds; then nobody listens any more. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silent()), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Of a call whose time is up. */
export function silent(): StoreUnavailable {
  return new StoreUnavailable(`PostgreSQL did not answer within ${STORE_DEADLINE} ms.`);
}

/** PostgreSQL's text has all characters but one. */
function storable(value: Value): Value {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD');
  return Array.isArray(value) ? value.map((each) => storable(each) as string | number | null) : value;
}
