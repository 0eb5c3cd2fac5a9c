/**
 * The history, read an hour or a day at a time: no statement stays open meanwhile, which would keep SQLite from
 * cleaning up behind the writers.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { History, UsageQuery, UsageRow } from '../port.js';
import type { Connection } from './connection.js';
import type { Sql } from './statements.js';

/** Length of the prefix of `2026-11-23T04` that names the time of a row. */
const PREFIX = { hour: 13, day: 10 };
/** Comes after every character that an hour can go on with. */
const LAST = '~';

const FORGET_AT_ONCE = 500;
const FORGET = `DELETE FROM usage WHERE (subject, hour, gateway, model) IN
  (SELECT subject, hour, gateway, model FROM usage WHERE hour < ? LIMIT ${FORGET_AT_ONCE})`;

type Filter = [text: string, values: string[]];

/** What a query finds, an hour or a day at a time. */
export interface Pages {
  /** The rows of the first hour or day in which there was usage; none at the end. */
  page(query: UsageQuery): Promise<UsageRow[]>;
}

export async function* allPages({ page }: Pages, query: UsageQuery): AsyncGenerator<UsageRow> {
  let from = query.from;
  for (;;) {
    const rows = await page({ ...query, from });
    const last = rows.at(-1);
    if (!last) return;
    yield* rows;
    from = last.at + LAST;
    await turn();
  }
}

export function history(connection: Connection): History & Pages {
  const pages: Pages = { page: (query) => connection.read((sql) => firstRows(sql, query)) };
  return {
    ...pages,
    usage: (query) => allPages(pages, query),

    forgetUsage: (before) =>
      connection.write((sql) => Number(sql(FORGET).run(before).changes) === FORGET_AT_ONCE),
  };
}

function filterOf({ subject, gateway }: UsageQuery): Filter {
  const conditions = Object.entries({ subject, gateway }).filter((entry) => entry[1] !== undefined);
  return [
    conditions.map(([column]) => `AND ${column} = ?`).join(' '),
    conditions.map(([, value]) => value as string),
  ];
}

function firstRows(sql: Sql, query: UsageQuery): UsageRow[] {
  const { from, to, by } = query;
  const [filter, values] = filterOf(query);
  const first = sql(`SELECT min(hour) AS hour FROM usage WHERE hour >= ? AND hour < ? ${filter}`);
  const { hour } = first.get(from, to, ...values) as { hour: string | null };
  if (hour === null) return [];
  const at = hour.slice(0, PREFIX[by]);
  const rows =
    sql(`SELECT subject, gateway, model, sum(requests) AS requests, sum(prompt_tokens) AS promptTokens,
    sum(completion_tokens) AS completionTokens, sum(errors) AS errors, sum(aborted) AS aborted,
    sum(latency_ms) AS latencyMs FROM usage WHERE hour >= ? AND hour < min(?, ?) ${filter}
    GROUP BY subject, gateway, model ORDER BY subject, gateway, model`).all(hour, at + LAST, to, ...values);
  return (rows as unknown as Omit<UsageRow, 'at'>[]).map((row) => ({ at, ...row }));
}
