/**
 * Quotas: each call is one transaction.
 */

import { textOf } from '../hold-text.js';
import { type Hold, type Quotas, type Reserved, STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { afterwards, difference, figures, grant, MARK_LIFETIME_MS, refusedBy, tokensLeft } from '../quota.js';
import type { Connection } from './connection.js';
import { readRows } from './ledger.js';
import { knownOf, sweep } from './sweep.js';

const HOLD = `INSERT INTO active_holds (id, until, tokens, body)
  SELECT :id, :until, :tokens, :body WHERE NOT EXISTS (SELECT 1 FROM ended_holds WHERE id = :id)
  ON CONFLICT (id) DO NOTHING`;
const EXISTS = 'SELECT 1 FROM active_holds WHERE id = :id UNION ALL SELECT 1 FROM ended_holds WHERE id = :id';
const ACTIVE = 'SELECT 1 FROM active_holds WHERE id = ? AND until > ?';
const EXTEND = 'UPDATE active_holds SET until = ?, known = ?, tokens = tokens + ? WHERE id = ?';
const RENEW = 'UPDATE active_holds SET until = ?, known = ? WHERE id = ? AND until > ?';
const END = 'DELETE FROM active_holds WHERE id = ? RETURNING CAST(tokens AS REAL) AS tokens';
const ENDED = 'SELECT state, known FROM ended_holds WHERE id = ?';
const MARK = `INSERT INTO ended_holds (id, state, until) VALUES (?, 'settled', ?)
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, until = excluded.until, known = NULL`;

interface Ended {
  state: 'expired' | 'settled';
  known: string | null;
}

const keysOf = ({ claims }: Hold) => claims.map(({ key }) => key);

export function quotas(connection: Connection, now: () => number): Quotas {
  return {
    async reserve(hold, tokens, { lease, sentAt }) {
      const reserved = await connection.write((sql, ledger): Reserved | undefined => {
        if (now() - sentAt > STORE_DEADLINE) return undefined;
        const before = ledger.read(hold.subject, keysOf(hold));
        const left = tokensLeft(hold.claims, before);
        const at = refusedBy(hold.claims, before, tokens.least);
        const granted = grant(left, tokens);
        if (at !== -1 || granted === undefined) {
          return { ok: false, at: sql(EXISTS).get({ id: hold.id }) ? -1 : at, counters: before };
        }
        const row = { id: hold.id, until: now() + lease, tokens: granted, body: textOf(hold) };
        const { changes } = sql(HOLD).run(row);
        if (changes === 0) return { ok: false, at: -1, counters: before };
        ledger.hold(hold, granted);
        return { ok: true, granted, left, counters: afterwards(hold.claims, before, granted) };
      });
      if (!reserved) throw new StoreUnavailable('The reservation came too late.');
      return reserved;
    },

    extend: (hold, tokens, { lease, known }) =>
      connection.write((sql, ledger) => {
        if (!sql(ACTIVE).get(hold.id, now())) return { ok: false, why: 'gone' };
        const left = tokensLeft(hold.claims, ledger.read(hold.subject, keysOf(hold)));
        const granted = grant(left, tokens);
        sql(EXTEND).run(now() + lease, JSON.stringify(known), granted ?? 0, hold.id);
        if (granted === undefined) return { ok: false, why: 'full' };
        ledger.holdMore(hold, granted);
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
      connection.write((sql, ledger) => {
        const held = sql(END).get(hold.id) as { tokens: number } | undefined;
        // The sweep has charged what was known; a hold that the store does not know is charged in full.
        const ended = held ? undefined : (sql(ENDED).get(hold.id) as Ended | undefined);
        if (ended?.state === 'settled') return false;
        const due = ended ? difference(figures(total), knownOf(ended.known)) : figures(total);
        ledger.charge(hold, due, held ? held.tokens : null);
        sql(MARK).run(hold.id, now() + MARK_LIFETIME_MS);
        return true;
      }),

    counters: (subject, keys) =>
      connection.read((sql) => {
        const rows = new Map(readRows(sql, subject, keys).map((row) => [row.key, row]));
        return keys.map((key) => ({ used: rows.get(key)?.used ?? 0, held: rows.get(key)?.held ?? 0 }));
      }),

    sweep: () => sweep(connection, now),
  };
}
