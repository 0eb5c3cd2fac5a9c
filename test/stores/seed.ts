/** Fills a store with users and a month of usage, faster than requests would. */

import { DatabaseSync } from 'node:sqlite';
import { createClient } from '@keyv/redis';
import type { Store } from '../../src/core/store/port.js';
import { keysUnder } from '../../src/core/store/redis/keys.js';
import { ask } from '../support/services/postgres.js';
import type { Place } from './places.js';

export interface Amount {
  users: number;
  /** Rows of the history: an hour of a user. */
  rows: number;
}

export const FIRST_DAY = Date.UTC(2026, 9, 1);
export const DAYS = 30;
const BATCH = 500;
/** Everything that one user has used in the month: a row an hour. */
export const DILIGENT = userName(0);

export function userName(at: number): string {
  return `user-${String(at).padStart(6, '0')}`;
}

export async function seed(place: Place, store: Store, amount: Amount): Promise<void> {
  for (let at = 0; at < amount.users; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, amount.users - at) }, (_, more) =>
      userName(at + more),
    );
    await Promise.all(
      batch.map((id) => store.create('users', id, { id, role: 'basic' }, { index: { role: 'basic', id } })),
    );
  }
  await { sqlite: intoFile, redis: intoRedis, postgres: intoPostgres }[place.kind](place, amount);
}

/** The first rows are the diligent user's; then each of the others has one in turn. */
function* rows({ users, rows }: Amount): Iterable<{ subject: string; hour: string }> {
  const hours = 24 * DAYS;
  for (let at = 0; at < rows; at += 1) {
    const turn = Math.floor((at - hours) / (users - 1));
    const subject = at < hours ? 0 : 1 + ((at - hours) % (users - 1));
    const hour = at < hours ? at : (subject * 7 + turn * 61) % hours;
    yield { subject: userName(subject), hour: hourAt(hour) };
  }
}

function hourAt(hour: number): string {
  return new Date(FIRST_DAY + hour * 3_600_000).toISOString().slice(0, 13);
}

async function intoFile({ url }: Place, amount: Amount): Promise<void> {
  const db = new DatabaseSync(url.slice('sqlite:'.length), { timeout: 5_000 });
  const insert = db.prepare("INSERT INTO usage VALUES (?, ?, 'openai', 'gpt-4', 1, 10, 20, 0, 0, 300)");
  db.exec('BEGIN IMMEDIATE');
  for (const { subject, hour } of rows(amount)) insert.run(subject, hour);
  db.exec('COMMIT');
  db.close();
}

async function intoRedis({ url }: Place, amount: Amount): Promise<void> {
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  const keys = keysUnder('parallama:');
  let batch: Promise<unknown>[] = [];
  for (const { subject, hour } of rows(amount)) {
    const day = hour.slice(0, 10);
    const usage = keys.usage(subject, day);
    const { subjects, days } = keys.bucketOf(subject);
    const field = JSON.stringify([hour, 'openai', 'gpt-4']);
    batch.push(
      client.sendCommand(['HSET', usage, field, '1 10 20 0 0 300']),
      client.sendCommand(['SADD', subjects(day), subject]),
      client.sendCommand(['ZADD', days, '0', day]),
    );
    if (batch.length < 10 * BATCH) continue;
    await Promise.all(batch);
    batch = [];
  }
  await Promise.all(batch);
  client.destroy();
}

async function intoPostgres({ url }: Place, { users, rows }: Amount): Promise<void> {
  const hours = 24 * DAYS;
  await ask(
    url,
    `INSERT INTO parallama.usage (subject, hour, gateway, model, requests, prompt_tokens, completion_tokens, errors,
      aborted, latency_ms)
    SELECT 'user-' || lpad(subject::text, 6, '0'),
      to_char(to_timestamp(${FIRST_DAY / 1000} + hour * 3600) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24'),
      'openai', 'gpt-4', 1, 10, 20, 0, 0, 300
    FROM (
      SELECT 0 AS subject, at AS hour FROM generate_series(0, ${hours - 1}) AS at
      UNION ALL
      SELECT subject, (subject * 7 + turn * 61) % ${hours} FROM (
        SELECT 1 + at % ${users - 1} AS subject, at / ${users - 1} AS turn
        FROM generate_series(0, ${rows - hours - 1}) AS at
      ) AS others
    ) AS wanted`,
  );
  await ask(url, 'ANALYZE');
}
