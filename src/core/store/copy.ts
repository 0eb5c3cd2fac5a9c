/**
 * Copies one store into another, of whatever kind, while no gateway runs on either: records as they are; counters and
 * history as settlements of holds that were never made, whose ids say what they stand for. So each counts once, however
 * often a copy that broke off is taken up again.
 */
import { createHash } from 'node:crypto';
import {
  countersOf,
  type Digest,
  digestOfCounters,
  digestOfRows,
  digestOfUsage,
  MOVED,
  rowsOf,
  usageOf,
} from './copy/contents.js';
import type { Charge, Claim, Hold, Store, UsageRow } from './port.js';
import { MARK_LIFETIME_MS } from './quota.js';

export interface CopyOptions {
  from: Store;
  /** Empty, or with a copy that broke off. */
  to: Store;
  /** Takes up a copy that broke off. */
  resume?: boolean;
  /** Counters of a subject that may still count, and the hour since when (`2026-11-23T00`). */
  counters: { claims: Claim[]; from: string };
  /** Told now and then of what is being done: `users`, `usage`, ... and how many so far. */
  onProgress?(part: string, count: number): void;
  /** Milliseconds since 1970; for tests. */
  now?: () => number;
}

/** By the names of tables, `usage` and `counters`: the same in both stores. */
export type Copied = Record<string, Digest>;

/** In `to`, as long as the copy is not complete. */
interface Mark {
  from: string;
  startedAt: number;
  /** All hours of the history before this one are copied. */
  hour?: string;
}

const MARK_ID = 'store-copy';
const NOTHING: Charge = {
  requests: 0,
  promptTokens: 0,
  completionTokens: 0,
  errors: 0,
  aborted: 0,
  latencyMs: 0,
};

/**
 * @throws Error where a gateway runs on one of them, `to` has something else in it, or is not the same in the end;
 * StoreUnavailable
 */
export async function copyStore(options: CopyOptions): Promise<Copied> {
  const { from, to, counters, onProgress = () => undefined, now = Date.now } = options;
  await refuseWhileServing(from);
  await refuseWhileServing(to);
  const mark = await begin(options, now());

  for (const table of MOVED) {
    let count = 0;
    for await (const page of rowsOf(from, table)) {
      await Promise.all(
        page.map(({ id, value, index, expiresAt }) => to.create(table, id, value, { index, expiresAt })),
      );
      count += page.length;
      onProgress(table, count);
    }
  }
  await copyUsage(options, mark, onProgress);
  let count = 0;
  for await (const used of countersOf(from, counters)) {
    await Promise.all(used.map((each) => to.settle(...asSettlement(each.subject, each.claim, each.used))));
    count += used.length;
    onProgress('counters', count);
  }

  await to.delete('settings', MARK_ID);
  try {
    return await verified(options, now());
  } catch (error) {
    // So that it is not taken for a whole one.
    await to.create('settings', MARK_ID, mark);
    throw error;
  }
}

async function refuseWhileServing(store: Store): Promise<void> {
  const [running] = await store.list('processes', { limit: 1 });
  if (!running) return;
  throw new Error(
    `A gateway runs on ${store.place}. Stop it first; one that was killed is gone in 15 seconds.`,
  );
}

/** @throws Error where `to` is neither empty nor, where that is wanted, a copy that broke off */
async function begin({ from, to, resume }: CopyOptions, now: number): Promise<Mark> {
  const found = (await to.get<Mark>('settings', MARK_ID))?.value;
  if (found && resume) {
    if (found.from !== from.place) throw new Error(`The copy in ${to.place} is one of ${found.from}.`);
    // Until then the store remembers what it was told.
    if (now - found.startedAt < MARK_LIFETIME_MS / 2) return found;
    throw new Error(`The copy in ${to.place} is too old to go on with. Empty it and start anew.`);
  }
  if (found) throw new Error(`A copy into ${to.place} broke off. Go on with --resume, or empty it.`);
  if (!(await isEmpty(to))) throw new Error(`${to.place} is not empty. A copy needs a store of its own.`);
  const mark: Mark = { from: from.place, startedAt: now };
  await to.create('settings', MARK_ID, mark);
  return mark;
}

async function isEmpty(store: Store): Promise<boolean> {
  for (const table of MOVED) {
    for await (const _ of rowsOf(store, table)) return false;
  }
  for await (const _ of usageOf(store)) return false;
  return true;
}

async function copyUsage(
  { from, to }: CopyOptions,
  mark: Mark,
  onProgress: NonNullable<CopyOptions['onProgress']>,
): Promise<void> {
  let count = 0;
  let noted = mark.hour;
  for await (const page of usageOf(from, mark.hour)) {
    await Promise.all(page.map((row) => to.settle(...asHistory(row))));
    count += page.length;
    onProgress('usage', count);
    const hour = page.at(-1)!.at;
    if (hour === noted) continue;
    noted = hour;
    const row = await to.get<Mark>('settings', MARK_ID);
    if (row) await to.update('settings', MARK_ID, row.version, { ...mark, hour });
  }
}

function asHistory({ at, subject, gateway, model, ...charge }: UsageRow): [Hold, Charge] {
  return [
    { id: idOf([at, subject, gateway, model]), subject, claims: [], usage: { gateway, model, hour: at } },
    charge,
  ];
}

function asSettlement(subject: string, claim: Claim, used: number): [Hold, Charge] {
  const charge = claim.counts === 'requests' ? { requests: used } : { promptTokens: used };
  return [
    { id: idOf([subject, claim.key]), subject, claims: [claim] },
    { ...NOTHING, ...charge },
  ];
}

function idOf(parts: string[]): string {
  return `copy-${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}

/** Reads both stores from the beginning. */
async function verified({ from, to, counters }: CopyOptions, now: number): Promise<Copied> {
  const copied: Copied = {};
  const compare = async (part: string, digestOf: (store: Store) => Promise<Digest>): Promise<void> => {
    const [source, target] = [await digestOf(from), await digestOf(to)];
    if (source.count !== target.count || source.checksum !== target.checksum) {
      throw new Error(
        `The copy is not the same: ${part} has ${source.count} in ${from.place} (${source.checksum}), ` +
          `${target.count} in ${to.place} (${target.checksum}). Empty that and start anew.`,
      );
    }
    copied[part] = source;
  };
  for (const table of MOVED) await compare(table, (store) => digestOfRows(store, table, now));
  await compare('usage', digestOfUsage);
  await compare('counters', (store) => digestOfCounters(store, counters));
  return copied;
}
