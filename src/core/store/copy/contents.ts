/** Everything that a store keeps, as streams: what is copied, and what is compared afterwards. */
import { createHash } from 'node:crypto';
import { type Claim, type Store, TABLES, type Table, type UsageRow, type WholeRow } from '../port.js';

/** What processes say of themselves is theirs, and gone with them. */
export const MOVED = TABLES.filter((table) => table !== 'processes');

const PAGE = 200;
const EVER = { from: '0000-01-01T00', to: '9999-12-31T24' } as const;
/** Milliseconds of life that a row must have left to be missed: others may expire between two looks. */
const SHORT_LIVED = 600_000;

export interface UsedCounter {
  subject: string;
  claim: Claim;
  used: number;
}

export async function* rowsOf(store: Store, table: Table): AsyncIterable<WholeRow[]> {
  for (let after: string | undefined; ; ) {
    const page = await store.dump(table, { after, limit: PAGE });
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.id;
  }
}

/** By the hour, in pages. */
export async function* usageOf(store: Store, from: string = EVER.from): AsyncIterable<UsageRow[]> {
  let page: UsageRow[] = [];
  for await (const row of store.usage({ from, to: EVER.to, by: 'hour' })) {
    page.push(row);
    if (page.length === PAGE) {
      yield page;
      page = [];
    }
  }
  if (page.length > 0) yield page;
}

/**
 * What those have used who have any history since `from`.
 * @throws Error where something is held: requests are under way
 */
export async function* countersOf(
  store: Store,
  { claims, from }: { claims: Claim[]; from: string },
): AsyncIterable<UsedCounter[]> {
  const subjects = new Set<string>();
  for await (const { subject } of store.usage({ from, to: EVER.to, by: 'day' })) subjects.add(subject);
  const keys = claims.map(({ key }) => key);
  for (const subject of [...subjects].sort()) {
    const counters = await store.counters(subject, keys);
    if (counters.some(({ held }) => held > 0)) {
      throw new Error(`Requests are under way on ${store.place}: stop its gateways, and wait half a minute.`);
    }
    yield counters
      .map(({ used }, at) => ({ subject, claim: claims[at]!, used }))
      .filter(({ used }) => used > 0);
  }
}

/** A count and a checksum, whatever the order. */
export interface Digest {
  count: number;
  checksum: string;
}

export async function digestOfRows(store: Store, table: Table, now: number): Promise<Digest> {
  const sum = digest();
  for await (const page of rowsOf(store, table)) {
    for (const { id, value, index, expiresAt } of page) {
      if (expiresAt !== undefined && expiresAt < now + SHORT_LIVED) continue;
      sum.add([id, value, Object.entries(index).sort(), expiresAt ?? null]);
    }
  }
  return sum.result();
}

export async function digestOfUsage(store: Store): Promise<Digest> {
  const sum = digest();
  for await (const page of usageOf(store)) {
    for (const { at, subject, gateway, model, ...figures } of page) {
      sum.add([at, subject, gateway, model, Object.entries(figures).sort()]);
    }
  }
  return sum.result();
}

export async function digestOfCounters(
  store: Store,
  range: Parameters<typeof countersOf>[1],
): Promise<Digest> {
  const sum = digest();
  for await (const counters of countersOf(store, range)) {
    for (const { subject, claim, used } of counters) sum.add([subject, claim.key, used]);
  }
  return sum.result();
}

function digest(): { add(value: unknown): void; result(): Digest } {
  const checksum = Buffer.alloc(32);
  let count = 0;
  return {
    add(value) {
      count += 1;
      const hash = createHash('sha256').update(JSON.stringify(value)).digest();
      for (let at = 0; at < checksum.length; at += 1) checksum[at] = checksum[at]! ^ hash[at]!;
    },
    result: () => ({ count, checksum: checksum.toString('hex').slice(0, 16) }),
  };
}
