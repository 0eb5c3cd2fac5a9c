/**
 * Quotas: each call is one transaction.
 */
import { type Hold, type Quotas, STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { afterwards, difference, figures, grant, MARK_LIFETIME, refusedBy, tokensLeft } from '../quota.js';
import type { Connection } from './connection.js';
import { readRows } from './ledger.js';
import { knownOf, sweep } from './sweep.js';

const HOLD = `INSERT INTO holds (id, state, until, tokens, body) VALUES (?, 'active', ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;
const EXISTS = 'SELECT 1 FROM holds WHERE id = ?';
const ACTIVE = "SELECT 1 FROM holds WHERE id = ? AND state = 'active' AND until > ?";
const EXTEND = 'UPDATE holds SET until = ?, known = ?, tokens = tokens + ? WHERE id = ?';
const RENEW = "UPDATE holds SET until = ?, known = ? WHERE id = ? AND state = 'active' AND until > ?";
// A hold that is settled in time, as nearly all are, needs no other statement.
const SETTLE_ACTIVE = `UPDATE holds SET state = 'settled', until = ?, known = NULL, body = NULL
  WHERE id = ? AND state = 'active' RETURNING tokens`;
const ENDED = 'SELECT state, known FROM holds WHERE id = ?';
const SETTLE = `INSERT INTO holds (id, state, until, tokens) VALUES (?, 'settled', ?, 0)
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, until = excluded.until, known = NULL, body = NULL`;

interface Ended {
  state: 'expired' | 'settled';
  known: string | null;
}

const keysOf = ({ claims }: Hold) => claims.map(({ key }) => key);

export function quotas(connection: Connection, now: () => number): Quotas {
  return {
    reserve: (hold, tokens, { lease, sentAt }) =>
      connection.write((sql, ledger) => {
        if (now() - sentAt > STORE_DEADLINE) throw new StoreUnavailable('The reservation came too late.');
        const before = ledger.read(hold.subject, keysOf(hold));
        const left = tokensLeft(hold.claims, before);
        const at = refusedBy(hold.claims, before, tokens.least);
        const granted = grant(left, tokens);
        if (at !== -1 || granted === undefined) {
          return { ok: false, at: sql(EXISTS).get(hold.id) ? -1 : at, counters: before };
        }
        const { changes } = sql(HOLD).run(hold.id, now() + lease, granted, JSON.stringify(hold));
        if (changes === 0) return { ok: false, at: -1, counters: before };
        ledger.hold(hold, granted);
        return { ok: true, granted, left, counters: afterwards(hold.claims, before, granted) };
      }),

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
        const until = now() + MARK_LIFETIME;
        const held = sql(SETTLE_ACTIVE).get(until, hold.id) as { tokens: number } | undefined;
        if (held) {
          ledger.charge(hold, figures(total), held.tokens);
          return true;
        }
        const row = sql(ENDED).get(hold.id) as Ended | undefined;
        if (row?.state === 'settled') return false;
        // The sweep has charged what was known; a hold that the store does not know is charged in full.
        ledger.charge(hold, row ? difference(figures(total), knownOf(row.known)) : figures(total), null);
        sql(SETTLE).run(hold.id, until);
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
