/** The history: a hash for each subject and day. Everybody's is read a day at a time, one user's many days at once. */
import type { GatewayName } from '../../contract.js';
import type { History, UsageQuery, UsageRow } from '../port.js';
import { inOrder } from '../usage-order.js';
import { batches } from './batches.js';
import type { Connection } from './connection.js';
import type { Bucket, Keys } from './keys.js';

/** Hashes asked for at once. */
const BATCH = 500;
/** Length of the prefix of `2026-11-23T04` that names the time of a row. */
const PREFIX = { hour: 13, day: 10 };

interface Place {
  subject: string;
  day: string;
}

export function history(connection: Connection, keys: Keys): History {
  return {
    async *usage(query) {
      const buckets = query.subject === undefined ? keys.buckets() : [keys.bucketOf(query.subject)];
      const days = await daysIn(connection, buckets, query);
      if (query.subject !== undefined) {
        const places = days.map((day) => ({ subject: query.subject!, day }));
        for (const batch of batches(places, BATCH)) yield* await rowsOf(connection, keys, batch, query);
        return;
      }
      for (const day of days) {
        const subjects = await subjectsOf(connection, buckets, day);
        const places = subjects.map((subject) => ({ subject, day }));
        const rows: UsageRow[] = [];
        for (const batch of batches(places, BATCH))
          rows.push(...(await rowsOf(connection, keys, batch, query)));
        yield* rows.sort(inOrder);
      }
    },

    async forgetUsage(before) {
      const more = await Promise.all(
        keys.buckets().map((bucket) => forgetDay(connection, keys, bucket, before)),
      );
      return more.includes(true);
    },
  };
}

/** Forgets the oldest day of a bucket, or a part of it; false where none is that old. */
async function forgetDay(
  connection: Connection,
  keys: Keys,
  bucket: Bucket,
  before: string,
): Promise<boolean> {
  const oldest = ['ZRANGEBYLEX', bucket.days, '-', `(${before}`, 'LIMIT', '0', '1'];
  const [day] = (await connection.send(bucket.days, oldest)) as string[];
  if (day === undefined) return false;
  const list = bucket.subjects(day);
  const subjects = (await connection.send(list, ['SRANDMEMBER', list, String(BATCH)])) as string[];
  if (subjects.length > 0) {
    // The hashes first: without its list a hash would never be found again.
    await connection.send(list, ['UNLINK', ...subjects.map((subject) => keys.usage(subject, day))]);
    await connection.send(list, ['SREM', list, ...subjects]);
  }
  if (subjects.length < BATCH) await connection.send(bucket.days, ['ZREM', bucket.days, day]);
  return true;
}

/** Days that have any usage, in order. */
async function daysIn(
  connection: Connection,
  buckets: Bucket[],
  { from, to }: UsageQuery,
): Promise<string[]> {
  const range = [`[${from.slice(0, PREFIX.day)}`, `[${to.slice(0, PREFIX.day)}`];
  const found = await Promise.all(
    buckets.map(({ days }) => connection.send(days, ['ZRANGEBYLEX', days, ...range])),
  );
  return [...new Set((found as string[][]).flat())].sort();
}

async function subjectsOf(connection: Connection, buckets: Bucket[], day: string): Promise<string[]> {
  const found = await Promise.all(
    buckets.map((bucket) => connection.send(bucket.subjects(day), ['SMEMBERS', bucket.subjects(day)])),
  );
  return (found as string[][]).flat();
}

/** The rows of some subjects and days, added up as the query wants them, in order. */
async function rowsOf(
  connection: Connection,
  keys: Keys,
  places: Place[],
  { from, to, by, gateway: wanted }: UsageQuery,
): Promise<UsageRow[]> {
  const hashes = await Promise.all(
    places.map(({ subject, day }) => {
      const key = keys.usage(subject, day);
      return connection.send(key, ['HGETALL', key]) as Promise<string[]>;
    }),
  );
  const rows = new Map<string, UsageRow>();
  for (const [place, hash] of hashes.entries()) {
    const { subject } = places[place]!;
    for (let at = 0; at < hash.length; at += 2) {
      const [hour, gateway, model] = JSON.parse(hash[at]!) as [string, GatewayName, string];
      if (hour < from || hour >= to || (wanted && gateway !== wanted)) continue;
      const time = hour.slice(0, PREFIX[by]);
      const id = JSON.stringify([time, subject, gateway, model]);
      const row = rows.get(id) ?? { at: time, subject, gateway, model, ...NOTHING };
      rows.set(id, added(row, hash[at + 1]!));
    }
  }
  return [...rows.values()].sort(inOrder);
}

const NOTHING = { requests: 0, promptTokens: 0, completionTokens: 0, errors: 0, aborted: 0, latencyMs: 0 };

function added(row: UsageRow, figures: string): UsageRow {
  const [requests, promptTokens, completionTokens, errors, aborted, latencyMs] = figures
    .split(' ')
    .map(Number);
  return {
    ...row,
    requests: row.requests + requests!,
    promptTokens: row.promptTokens + promptTokens!,
    completionTokens: row.completionTokens + completionTokens!,
    errors: row.errors + errors!,
    aborted: row.aborted + aborted!,
    latencyMs: row.latencyMs + latencyMs!,
  };
}
