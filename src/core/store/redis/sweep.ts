/** The sweep: ends holds of dead processes and forgets expired rows. Counters and marks expire by themselves. */
import type { Hold } from '../port.js';
import type { Connection } from './connection.js';
import { end } from './ending.js';
import type { Bucket, Keys } from './keys.js';
import { OVERDUE } from './quota-scripts.js';
import { FORGET } from './record-scripts.js';

/** Rows or holds in one step: a few milliseconds, for which others wait. */
const BATCH = 200;
const ROUNDS = 20;

export async function sweep(connection: Connection, keys: Keys): Promise<{ expiredHolds: number }> {
  for (const table of keys.tables()) {
    for (let round = 0; round < ROUNDS; round += 1) {
      if ((await connection.run(FORGET, table, [BATCH])) !== BATCH) break;
    }
  }
  const buckets = keys.buckets();
  const overdue = await Promise.all(buckets.map((bucket) => overdueIn(connection, bucket)));
  let expiredHolds = 0;
  let rounds = 0;
  for (const [at, bucket] of buckets.entries()) {
    let ids = overdue[at]!;
    while (ids.length > 0 && rounds < ROUNDS) {
      expiredHolds += await endAll(connection, keys, bucket, ids);
      ids = ids.length === BATCH ? await overdueIn(connection, bucket) : [];
      rounds += 1;
    }
  }
  return { expiredHolds };
}

async function overdueIn(connection: Connection, { leases }: Bucket): Promise<string[]> {
  return (await connection.run(OVERDUE, [leases], [BATCH])) as string[];
}

/** The number of those that were not ended or renewed meanwhile. */
async function endAll(connection: Connection, keys: Keys, bucket: Bucket, ids: string[]): Promise<number> {
  const ended = await Promise.all(
    ids.map(async (id) => {
      const key = bucket.hold(id);
      const body = (await connection.send(key, ['HGET', key, 'body'])) as string | null;
      if (body !== null) return end(connection, keys, JSON.parse(body) as Hold, 'expired', '');
      // A lease without its hold: it ended since, or the server has lost it.
      await connection.send(bucket.leases, ['ZREM', bucket.leases, id]);
      return false;
    }),
  );
  return ended.filter(Boolean).length;
}
