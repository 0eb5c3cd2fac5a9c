/**
 * One connection, opened on first use: transactions that wait for a locked database without blocking the event loop.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { apart, type Outcome, together, type Work } from './batch.js';
import { goneMessage, type OpenFile, openFile } from './file.js';
import type { Ledger } from './ledger.js';
import { createLogSync, type LogSync } from './log-sync.js';
import { type Sql, statementsOf } from './statements.js';
import { type Whereabouts, watchFile } from './whereabouts.js';

export interface Connection {
  /** Runs `work` on one snapshot. It may run again where the database was locked. */
  read<T>(work: (sql: Sql) => T): Promise<T>;
  /**
   * Runs `work` in a write transaction, undone where it throws. What is asked for in one turn of the event loop
   * shares one transaction and its ledger: under load most of a small one's cost is its commit. It may run again.
   * Work that refuses says so in its value: where one throws, all that share its transaction run a second time.
   */
  write<T>(work: (sql: Sql, ledger: Ledger) => T): Promise<T>;
  /** Rejects where the file has gone, and lets go of one that another file has replaced. */
  verify(): Promise<void>;
  /** Calls that wait, and all later ones, are rejected. */
  close(): Promise<void>;
}

interface Opened extends OpenFile {
  sql: Sql;
  /** Where there is a write-ahead log. */
  logSync: LogSync | undefined;
  whereabouts(now: boolean): Whereabouts;
}

interface Job {
  work: Work;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** SQLITE_BUSY and SQLITE_LOCKED. */
const LOCKED = [5, 6];
/** SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_MISUSE and SQLITE_RANGE: mistakes of ours, which no retry mends. */
const MISTAKES = [19, 20, 21, 25];

export function connect(path: string): Connection {
  let opened: Opened | undefined;
  /** This process has had the file open. */
  let begun = false;
  let closed = false;
  /** Ends when every call that has met a lock is done: only the first of them knocks, the others queue behind it. */
  let queue: Promise<unknown> = Promise.resolve();
  let queued = 0;
  let batch: Job[] = [];

  const open = (): Opened => {
    if (closed) throw new StoreUnavailable('The store is closed.');
    check(false);
    if (!opened) {
      // A database that others know of is never begun anew behind their backs.
      const file = openFile(path, { make: !begun });
      begun = true;
      const logSync = file.writesAhead ? createLogSync(path) : undefined;
      opened = {
        ...file,
        sql: statementsOf(file.db),
        logSync,
        whereabouts: watchFile(path, file.identity),
      };
    }
    return opened;
  };

  /** Lets go of a file that another one has replaced: a restored copy. */
  const check = (now: boolean): void => {
    const found = opened?.whereabouts(now);
    if (found === 'gone') throw new StoreUnavailable(goneMessage(path));
    if (found === 'replaced') letGo();
  };

  const letGo = () => {
    opened?.logSync?.close();
    opened?.db.close();
    opened = undefined;
  };

  /** One try: undefined where the database is locked. */
  const attempt = <T>(begin: string, work: (at: Opened) => T): { value: T } | undefined => {
    try {
      return { value: transaction(open(), begin, work) };
    } catch (error) {
      if (isLocked(error)) return undefined;
      throw isBackend(error) ? unavailable('The SQLite database failed', error) : error;
    }
  };

  const insist = async <T>(begin: string, work: (at: Opened) => T, deadline: number): Promise<T> => {
    while (performance.now() < deadline) {
      const done = attempt(begin, work);
      if (done) return done.value;
      await sleep(1 + Math.random() * 9);
    }
    throw new StoreUnavailable(`The SQLite database was locked for ${STORE_DEADLINE} ms.`);
  };

  const run = async <T>(begin: string, work: (at: Opened) => T): Promise<T> => {
    const deadline = performance.now() + STORE_DEADLINE;
    const done = queued === 0 ? attempt(begin, work) : undefined;
    if (done) return done.value;
    queued += 1;
    const mine = queue
      .then(() => insist(begin, work, deadline))
      .finally(() => {
        queued -= 1;
      });
    queue = mine.catch(() => undefined);
    return mine;
  };

  const carryOut = async (works: Work[]): Promise<Outcome[]> => {
    try {
      return await run('BEGIN IMMEDIATE', ({ sql }) => together(sql, works));
    } catch (error) {
      if (error instanceof StoreUnavailable || works.length === 1) throw error;
      return run('BEGIN IMMEDIATE', ({ db, sql }) => apart(db, sql, works, isOfOne));
    }
  };

  const flush = async (): Promise<void> => {
    const jobs = batch;
    batch = [];
    try {
      const outcomes = await carryOut(jobs.map(({ work }) => work));
      opened?.logSync?.committed();
      jobs.forEach(({ resolve, reject }, i) => {
        const outcome = outcomes[i]!;
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value);
      });
    } catch (error) {
      for (const { reject } of jobs) reject(error);
    }
  };

  return {
    read: (work) => run('BEGIN', ({ sql }) => work(sql)),
    write: <T>(work: (sql: Sql, ledger: Ledger) => T) =>
      new Promise<T>((resolve, reject) => {
        batch.push({ work, resolve: resolve as (value: unknown) => void, reject });
        if (batch.length === 1) setImmediate(flush);
      }),
    async verify() {
      check(true);
    },
    async close() {
      closed = true;
      letGo();
    },
  };
}

function transaction<T>(opened: Opened, begin: string, work: (at: Opened) => T): T {
  const { db, sql } = opened;
  sql(begin).run();
  try {
    const value = work(opened);
    sql('COMMIT').run();
    return value;
  } catch (error) {
    // SQLite ends a transaction by itself after some errors, such as a full disk.
    if (db.isTransaction) sql('ROLLBACK').run();
    throw error;
  }
}

function isLocked(error: unknown): boolean {
  return LOCKED.includes(codeOf(error));
}

function isOfOne(error: unknown): boolean {
  return !isLocked(error) && !isBackend(error);
}

/** SQLite's errors and those of the file system; anything else is a bug and stays one. */
function isBackend(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return 'syscall' in error || ('errcode' in error && !MISTAKES.includes(codeOf(error)));
}

/** SQLite's primary code, which is the low byte of an extended one; NaN for other errors. */
function codeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : Number.NaN;
}

function unavailable(message: string, cause: Error): StoreUnavailable {
  return new StoreUnavailable(`${message}: ${cause.message}`, { cause });
}
