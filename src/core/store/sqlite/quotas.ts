/**
 * Quotas: each call is one transaction.
 */
import { type Quotas, STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { afterwards, difference, figures, grant, MARK_LIFETIME, refusedBy, tokensLeft } from '../quota.js';
import type { Connection } from './connection.js';
import { charge, holdAll, holdTokens, readCounter, readCounters } from './counters.js';
import { knownOf, sweep } from './sweep.js';

const HOLD = `INSERT INTO holds (id, state, until, tokens, body) VALUES (?, 'active', ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;
const EXISTS = 'SELECT 1 FROM holds WHERE id = ?';
const ACTIVE = "SELECT 1 FROM holds WHERE id = ? AND state = 'active' AND until > ?";
const EXTEND = 'UPDATE holds SET until = ?, known = ?, tokens = tokens + ? WHERE id = ?';
const RENEW = "UPDATE holds SET until = ?, known = ? WHERE id = ? AND state = 'active' AND until > ?";
const STATE = 'SELECT state, tokens, known FROM holds WHERE id = ?';
const SETTLE = `INSERT INTO holds (id, state, until, tokens) VALUES (?, 'settled', ?, 0)
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, until = excluded.until, known = NULL, body = NULL`;

interface Ending {
  state: 'active' | 'expired' | 'settled';
  tokens: number;
  known: string | null;
}

export function quotas(connection: Connection, now: () => number): Quotas {
  return {
    reserve: (hold, tokens, { lease, sentAt }) =>
      connection.write((sql) => {
        if (now() - sentAt > STORE_DEADLINE) throw new StoreUnavailable('The reservation came too late.');
        const before = readCounters(sql, hold);
        const left = tokensLeft(hold.claims, before);
        const at = refusedBy(hold.claims, before, tokens.least);
        const granted = grant(left, tokens);
        if (at !== -1 || granted === undefined) {
          return { ok: false, at: sql(EXISTS).get(hold.id) ? -1 : at, counters: before };
        }
        const { changes } = sql(HOLD).run(hold.id, now() + lease, granted, JSON.stringify(hold));
        if (changes === 0) return { ok: false, at: -1, counters: before };
        holdAll(sql, hold, granted);
        return { ok: true, granted, left, counters: afterwards(hold.claims, before, granted) };
      }),

    extend: (hold, tokens, { lease, known }) =>
      connection.write((sql) => {
        if (!sql(ACTIVE).get(hold.id, now())) return { ok: false, why: 'gone' };
        const left = tokensLeft(hold.claims, readCounters(sql, hold));
        const granted = grant(left, tokens);
        sql(EXTEND).run(now() + lease, JSON.stringify(known), granted ?? 0, hold.id);
        if (granted === undefined) return { ok: false, why: 'full' };
        holdTokens(sql, hold, granted);
        return { ok: true, granted, left };
      }),

    renew: (holds, lease) =>
      connection.write((sql) => {
        const at = now();
        return holds
          .filter(({ hold, known }) => {
            return sql(RENEW).run(at + lease, JSON.stringify(known), hold.id, at).changes === 0;
          })
          .map(({ hold }) => hold.id);
      }),

    settle: (hold, total) =>
      connection.write((sql) => {
        const row = sql(STATE).get(hold.id) as Ending | undefined;
        if (row?.state === 'settled') return false;
        const due =
          row?.state === 'expired' ? difference(figures(total), knownOf(row.known)) : figures(total);
        charge(sql, hold, due, row?.state === 'active' ? row.tokens : null);
        sql(SETTLE).run(hold.id, now() + MARK_LIFETIME);
        return true;
      }),

    counters: (subject, keys) => connection.read((sql) => keys.map((key) => readCounter(sql, subject, key))),

    sweep: () => sweep(connection, now),
  };
}
