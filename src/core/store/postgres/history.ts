/**
 * The history, read page by page: no transaction stays open meanwhile, which would keep PostgreSQL from cleaning up
 * behind the writers.
 */
import type { History, UsageQuery, UsageRow } from '../port.js';
import type { Connection } from './connection.js';

const PAGE = 1000;

/** A page of what comes after a row; one index for each unit of time has this order. */
const pageBy = (at: UsageQuery['by'], filter: string) => `SELECT ${at} AS at, subject, gateway, model,
  sum(requests)::float8 AS requests, sum(prompt_tokens)::float8 AS "promptTokens",
  sum(completion_tokens)::float8 AS "completionTokens", sum(errors)::float8 AS errors,
  sum(aborted)::float8 AS aborted, sum(latency_ms)::float8 AS "latencyMs"
  FROM usage WHERE hour >= $1 AND hour < $2 AND (${at}, subject, gateway, model) > ($3, $4, $5, $6) ${filter}
  GROUP BY ${at}, subject, gateway, model ORDER BY ${at}, subject, gateway, model LIMIT ${PAGE}`;

const FORGET_AT_ONCE = 1000;
const FORGET = `WITH gone AS (DELETE FROM usage WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM usage WHERE hour < $1 LIMIT ${FORGET_AT_ONCE} FOR UPDATE SKIP LOCKED)) RETURNING 1)
  SELECT count(*)::integer AS count FROM gone`;

/** Characters of `2026-11-23T04` that name the time of a row. */
const LENGTH = { hour: 13, day: 10 };

export function history({ query }: Connection): History {
  return {
    async *usage({ subject, gateway, from, to, by }) {
      const filters = Object.entries({ subject, gateway }).filter((entry) => entry[1] !== undefined);
      const conditions = filters.map(([column], at) => `AND ${column} = $${7 + at}`);
      const text = pageBy(by, conditions.join(' '));
      const values = filters.map(([, value]) => value);
      let after = [from.slice(0, LENGTH[by]), '', '', ''];
      for (;;) {
        const rows = await query<UsageRow>(text, [from, to, ...after, ...values]);
        yield* rows;
        const last = rows.at(-1);
        if (!last || rows.length < PAGE) return;
        after = [last.at, last.subject, last.gateway, last.model];
      }
    },

    async forgetUsage(before) {
      const [row] = await query<{ count: number }>(FORGET, [before]);
      return row!.count === FORGET_AT_ONCE;
    },
  };
}
