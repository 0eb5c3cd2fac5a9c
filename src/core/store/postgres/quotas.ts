/**
 * Quotas: reservations, extensions and settlements are steps of runs, all others are functions of the database.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Counter, Quotas, Wanted } from '../port.js';
import { MARK_LIFETIME_MS } from '../quota.js';
import { readExtended, readReserved, readSettled } from './answers.js';
import type { Connection } from './connection.js';
import type { Runs } from './runs.js';
import { listOf, type Step } from './steps.js';

/** Rows of each kind in one transaction: some milliseconds, for which the subjects in it wait. */
const BATCH = 200;
const ROUNDS = 20;

const RENEW = 'SELECT renew($1, $2, $3, $4, $5, $6) AS id';
const COUNTERS = `SELECT coalesce(c.used, 0)::float8 AS used, coalesce(c.held, 0)::float8 AS held
  FROM unnest($2::text[]) WITH ORDINALITY AS wanted(key, at)
  LEFT JOIN LATERAL (SELECT used, held FROM counters WHERE subject = $1 AND key = wanted.key LIMIT 1) c ON true
  ORDER BY wanted.at`;
const SWEEP = 'SELECT ended, more FROM sweep($1, $2, $3)';

const NO_TOKENS: Wanted = { least: 0, most: 0, share: 1 };

/** @param now milliseconds since 1970; null for the server's clock */
export function quotas({ query, write }: Connection, { ask }: Runs, now: () => number | null): Quotas {
  return {
    reserve(hold, wanted, { lease, sentAt }) {
      const step: Step = { kind: 'reserve', hold, wanted, lease, charge: undefined };
      return ask(step, readReserved, (now() ?? Date.now()) - sentAt);
    },

    extend: (hold, wanted, { lease, known }) =>
      ask({ kind: 'extend', hold, wanted, lease, charge: known }, readExtended),

    async renew(holds, lease) {
      const start = performance.now();
      const alive = new Set<string>();
      for (let at = 0; at < holds.length; at += BATCH) {
        const some = holds.slice(at, at + BATCH);
        const subjects = some.map(({ hold }) => hold.subject);
        const ids = some.map(({ hold }) => hold.id);
        const known = some.map((each) => `{${listOf(each.known)}}`);
        const values = [now(), lease, subjects, ids, known];
        for (const { id } of await write<{ id: string }>(RENEW, values, performance.now() - start))
          alive.add(id);
      }
      return holds.map(({ hold }) => hold.id).filter((id) => !alive.has(id));
    },

    settle: (hold, charge) => ask({ kind: 'settle', hold, wanted: NO_TOKENS, lease: 0, charge }, readSettled),

    counters: (subject, keys) => query<Counter>(COUNTERS, [subject, keys]),

    async sweep() {
      let expiredHolds = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const [row] = await query<{ ended: number; more: boolean }>(SWEEP, [now(), MARK_LIFETIME_MS, BATCH]);
        expiredHolds += row!.ended;
        if (!row!.more) break;
        await turn();
      }
      return { expiredHolds };
    },
  };
}
