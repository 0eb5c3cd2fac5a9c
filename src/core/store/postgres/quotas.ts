/**
 * Quotas: each call is one function of the database.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Charge, Counter, Hold, Quotas, Wanted } from '../port.js';
import { afterwards, figures, MARK_LIFETIME } from '../quota.js';
import type { Connection, Value } from './connection.js';

/** Rows of each kind in one transaction: some milliseconds, for which the subjects in it wait. */
const BATCH = 200;
const ROUNDS = 20;

const RESERVE = `SELECT used, held, room, refused, granted
  FROM reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`;
const EXTEND = 'SELECT alive, room, granted FROM extend($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)';
// $1 is checked in the row's own turn, after its lock.
const RENEW = `UPDATE holds h SET until = now_ms($2) + $3::bigint, known = mine.known::bigint[]
  FROM unnest($4::text[], $5::text[]) AS mine(id, known)
  WHERE h.id = mine.id AND h.state = 'active' AND h.until > now_ms($2) RETURNING h.id, in_time($1)`;
const SETTLE = 'SELECT settle($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS done';
const COUNTERS = `SELECT coalesce(c.used, 0)::float8 AS used, coalesce(c.held, 0)::float8 AS held
  FROM unnest($2::text[]) WITH ORDINALITY AS wanted(key, at)
  LEFT JOIN LATERAL (SELECT used, held FROM counters WHERE subject = $1 AND key = wanted.key LIMIT 1) c ON true
  ORDER BY wanted.at`;
const SWEEP = 'SELECT ended, more FROM sweep($1, $2, $3)';

interface Measured {
  /** null where there are no claims. */
  used: number[] | null;
  held: number[] | null;
  room: number | null;
  refused: number | null;
  granted: number | null;
}

/** @param now milliseconds since 1970; null for the server's clock */
export function quotas({ query, write }: Connection, now: () => number | null): Quotas {
  return {
    async reserve(hold, tokens, { lease, sentAt }) {
      const values = [now(), ...keysOf(hold), ...restOf(hold), maxOf(hold), ...wantedOf(tokens), lease];
      const [answer] = await write<Measured>(RESERVE, values, (now() ?? Date.now()) - sentAt);
      const { used, held, room, refused, granted } = answer!;
      const counters = (used ?? []).map((count, at) => ({ used: count, held: held?.[at] ?? 0 }));
      if (refused !== null || granted === null) return { ok: false, at: refused ?? -1, counters };
      return { ok: true, granted, left: room, counters: afterwards(hold.claims, counters, granted) };
    },

    async extend(hold, tokens, { lease, known }) {
      const [id, subject, keys, counts] = keysOf(hold);
      const wanted = [maxOf(hold), ...wantedOf(tokens), lease, listOf(known)];
      const values = [now(), id, subject, keys, counts, ...wanted];
      const [answer] = await write<Pick<Measured, 'room' | 'granted'> & { alive: boolean }>(EXTEND, values);
      const { alive, room, granted } = answer!;
      if (!alive) return { ok: false, why: 'gone' };
      return granted === null ? { ok: false, why: 'full' } : { ok: true, granted, left: room };
    },

    async renew(holds, lease) {
      const ids = holds.map(({ hold }) => hold.id);
      const known = holds.map((each) => `{${listOf(each.known)}}`);
      const renewed = await write<{ id: string }>(RENEW, [now(), lease, ids, known]);
      const alive = new Set(renewed.map(({ id }) => id));
      return ids.filter((id) => !alive.has(id));
    },

    async settle(hold, charge) {
      const values = [now(), ...keysOf(hold), ...restOf(hold), listOf(charge), MARK_LIFETIME];
      const [row] = await query<{ done: boolean }>(SETTLE, values);
      return row!.done;
    },

    counters: (subject, keys) => query<Counter>(COUNTERS, [subject, keys]),

    async sweep() {
      let expiredHolds = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const [row] = await query<{ ended: number; more: boolean }>(SWEEP, [now(), MARK_LIFETIME, BATCH]);
        expiredHolds += row!.ended;
        if (!row!.more) break;
        await turn();
      }
      return { expiredHolds };
    },
  };
}

function keysOf({ id, subject, claims }: Hold): [string, string, string[], string[]] {
  return [id, subject, claims.map(({ key }) => key), claims.map(({ counts }) => counts)];
}

function restOf({ claims, usage }: Hold): Value[] {
  return [claims.map(({ expiresAt }) => expiresAt), usage?.gateway, usage?.model, usage?.hour];
}

function maxOf({ claims }: Hold): (number | null)[] {
  return claims.map(({ max }) => max);
}

function wantedOf({ least, most, share }: Wanted): number[] {
  return [least, most, share];
}

/** In the order in which the functions take the figures. */
function listOf(charge: Charge): number[] {
  const { requests, promptTokens, completionTokens, errors, aborted, latencyMs } = figures(charge);
  return [requests, promptTokens, completionTokens, errors, aborted, latencyMs];
}
