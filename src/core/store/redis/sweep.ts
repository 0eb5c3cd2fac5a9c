/** The sweep: ends holds of dead processes and forgets expired rows. Counters and marks expire by themselves. */
import type { Hold } from '../port.js';
import type { Connection } from './connection.js';
import type { Bucket, Keys } from './keys.js';
import { BODIES, OVERDUE } from './quota-scripts.js';
import { FORGET } from './record-scripts.js';
import { END } from './step.js';
import type { Steps } from './steps.js';

/** Rows or holds in one step: a few milliseconds, for which others wait. */
const BATCH = 200;
const ROUNDS = 20;

export async function sweep(
  connection: Connection,
  steps: Steps,
  keys: Keys,
): Promise<{ expiredHolds: number }> {
  const overdueIn = async ({ leases }: Bucket) => {
    return (await connection.run(OVERDUE, [leases], [BATCH])) as string[];
  };

  /** The number of those that were not ended or renewed meanwhile. */
  const endAll = async ({ hold, leases }: Bucket, ids: string[]): Promise<number> => {
    const bodies = (await connection.run(BODIES, ids.map(hold), [ids.length])) as string[];
    // A lease without its hold: it ended since, or the server has lost it.
    const idle = ids.filter((_, at) => bodies[at] === '');
    if (idle.length > 0) await connection.send(leases, ['ZREM', leases, ...idle]);
    const holds = bodies.filter((body) => body !== '').map((body) => JSON.parse(body) as Hold);
    const ended = await Promise.all(holds.map((hold) => steps.ask(END, hold, ['expired', ''])));
    return ended.filter(Boolean).length;
  };

  for (const table of keys.tables()) {
    for (let round = 0; round < ROUNDS; round += 1) {
      if ((await connection.run(FORGET, table, [BATCH])) !== BATCH) break;
    }
  }
  const buckets = keys.buckets();
  const overdue = await Promise.all(buckets.map(overdueIn));
  let expiredHolds = 0;
  let rounds = 0;
  for (const [at, bucket] of buckets.entries()) {
    let ids = overdue[at]!;
    while (ids.length > 0 && rounds < ROUNDS) {
      expiredHolds += await endAll(bucket, ids);
      ids = ids.length === BATCH ? await overdueIn(bucket) : [];
      rounds += 1;
    }
  }
  return { expiredHolds };
}
