/**
 * What shares a transaction. All of it is carried out together; where one of them throws, all are carried out once
 * more, each under a savepoint of its own. So one that fails costs the others one repetition, however many fail.
 */
import type { DatabaseSync } from 'node:sqlite';
import { createLedger, type Ledger } from './ledger.js';
import type { Sql } from './statements.js';

export type Work = (sql: Sql, ledger: Ledger) => unknown;
export type Outcome = { value: unknown } | { error: unknown };

/** Throws what one of them throws; the transaction has to be undone then. */
export function together(sql: Sql, works: Work[]): Outcome[] {
  const ledger = createLedger(sql);
  const outcomes = works.map((work) => ({ value: work(sql, ledger) }));
  ledger.flush();
  return outcomes;
}

/**
 * @param isOfOne whether an error is of the work that threw it, and not of the database, which fails for all
 * @throws what is not
 */
export function apart(
  db: DatabaseSync,
  sql: Sql,
  works: Work[],
  isOfOne: (error: unknown) => boolean,
): Outcome[] {
  return works.map((work) => {
    sql('SAVEPOINT one').run();
    try {
      const ledger = createLedger(sql);
      const value = work(sql, ledger);
      ledger.flush();
      return { value };
    } catch (error) {
      // SQLite ends the whole transaction by itself after some errors.
      if (!db.isTransaction || !isOfOne(error)) throw error;
      sql('ROLLBACK TO one').run();
      return { error };
    } finally {
      if (db.isTransaction) sql('RELEASE one').run();
    }
  });
}
