/**
 * The sweep: ends holds of dead processes and forgets what has expired.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { holdOf } from '../hold-text.js';
import type { Charge } from '../port.js';
import { type Figures, figures, MARK_LIFETIME_MS } from '../quota.js';
import type { Connection } from './connection.js';
import type { Ledger } from './ledger.js';
import type { Sql } from './statements.js';

/** Rows of each kind in one transaction: a few milliseconds, for which others wait. */
const BATCH = 200;
const ROUNDS = 20;

const EXPIRED_HOLDS = `DELETE FROM active_holds WHERE id IN
  (SELECT id FROM active_holds WHERE until <= ? LIMIT ${BATCH})
  RETURNING id, CAST(tokens AS REAL) AS tokens, known, body`;
const MARK = "INSERT INTO ended_holds (id, state, until, known) VALUES (?, 'expired', ?, ?)";
const FORGET = [
  // Ids begin with their time: those to forget are among the first.
  `DELETE FROM ended_holds WHERE id IN (SELECT id FROM ended_holds ORDER BY id LIMIT ${BATCH}) AND until <= ?`,
  `DELETE FROM records WHERE (tbl, id) IN
    (SELECT tbl, id FROM records WHERE expires_at <= ? LIMIT ${BATCH})`,
  // What is held must be given back before its counter may go.
  `DELETE FROM counters WHERE (subject, key) IN
    (SELECT subject, key FROM counters WHERE expires_at <= ? AND held = 0 LIMIT ${BATCH})`,
];

interface ActiveHold {
  id: string;
  tokens: number;
  known: string | null;
  body: string;
}

export async function sweep(connection: Connection, now: () => number): Promise<{ expiredHolds: number }> {
  let expiredHolds = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { ended, more } = await connection.write((sql, ledger) => {
      const at = now();
      const ended = endExpired(sql, ledger, at);
      // What was given back counts for which counters may go.
      ledger.flush();
      const forgotten = FORGET.map((text) => Number(sql(text).run(at).changes));
      return { ended, more: Math.max(ended, ...forgotten) === BATCH };
    });
    expiredHolds += ended;
    if (!more) break;
    await turn();
  }
  return { expiredHolds };
}

/** What a hold was last known to have used, from its column. */
export function knownOf(column: string | null): Figures {
  return figures(column === null ? undefined : (JSON.parse(column) as Charge));
}

function endExpired(sql: Sql, ledger: Ledger, at: number): number {
  const rows = sql(EXPIRED_HOLDS).all(at) as unknown as ActiveHold[];
  for (const { id, tokens, known, body } of rows) {
    ledger.charge(holdOf(id, body), knownOf(known), tokens);
    sql(MARK).run(id, at + MARK_LIFETIME_MS, known);
  }
  return rows.length;
}
