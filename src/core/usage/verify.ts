/**
 * Holds the counters that limits are enforced on against the history that reports are made from. Both are written in
 * one atomic step, so that they can differ only where a store has lost or repeated something.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayName } from '../contract.js';
import { COUNTED, type Counted, claimKey, type Meaning } from '../limits/claims.js';
import { hourOf } from '../limits/windows.js';
import type { History, Quotas, UsageRow } from '../store/port.js';

export interface Difference {
  user_id: string;
  gateway: GatewayName;
  counts: Counted;
  /** `2026-11-23` or `2026-11-23T04`. */
  window: string;
  /** What limits are held against. */
  counter: number;
  history: number;
}

export interface Verification {
  /** Counters that were compared. */
  checked: number;
  differences: Difference[];
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The two are read one after the other: a request that is settled in between is no difference a moment later. */
const ROUNDS = 3;
const PAUSE = 200;

/** Compares the windows of today and of the 24 hours before now, whose counters a store still has. */
export async function verifyUsage(
  store: Pick<Quotas, 'counters'> & Pick<History, 'usage'>,
  now = Date.now(),
): Promise<Verification> {
  const today = await sums(store, { from: `${hourOf(now).slice(0, 10)}T00`, now, by: 'day' });
  const hours = await sums(store, { from: hourOf(now - 23 * HOUR), now, by: 'hour' });
  let differences: Difference[] = [];
  for (const [subject, windows] of groupBySubject([...today, ...hours])) {
    differences = differences.concat(await compare(store, subject, windows, now));
  }
  return { checked: (today.length + hours.length) * COUNTED.length, differences };
}

/** What one user has used on one gateway in one window, by the history. */
interface Window {
  subject: string;
  gateway: GatewayName;
  at: string;
  requests: number;
  tokens: number;
}

async function sums(
  store: Pick<History, 'usage'>,
  { from, now, by, subject }: { from: string; now: number; by: 'hour' | 'day'; subject?: string },
): Promise<Window[]> {
  const found = new Map<string, Window>();
  for await (const row of store.usage({ from, to: hourOf(now + DAY), by, subject })) {
    const key = `${row.subject} ${row.gateway} ${row.at}`;
    const { gateway, at } = row;
    const before = found.get(key) ?? { subject: row.subject, gateway, at, requests: 0, tokens: 0 };
    found.set(key, {
      ...before,
      requests: before.requests + row.requests,
      tokens: before.tokens + tokensOf(row),
    });
  }
  return [...found.values()];
}

const tokensOf = ({ promptTokens, completionTokens }: UsageRow) => promptTokens + completionTokens;

async function compare(
  store: Pick<Quotas, 'counters'> & Pick<History, 'usage'>,
  subject: string,
  windows: Window[],
  now: number,
): Promise<Difference[]> {
  let current = windows;
  for (let round = 1; ; round += 1) {
    const differences = await differencesOf(store, subject, current);
    if (differences.length === 0 || round === ROUNDS) return differences;
    await sleep(PAUSE);
    const from = { day: `${hourOf(now).slice(0, 10)}T00`, hour: hourOf(now - 23 * HOUR) };
    current = [
      ...(await sums(store, { from: from.day, now, by: 'day', subject })),
      ...(await sums(store, { from: from.hour, now, by: 'hour', subject })),
    ];
  }
}

async function differencesOf(
  store: Pick<Quotas, 'counters'>,
  subject: string,
  windows: Window[],
): Promise<Difference[]> {
  const wanted = windows.flatMap((window) => COUNTED.map((counts) => ({ window, counts })));
  const counters = await store.counters(
    subject,
    wanted.map(({ window, counts }) => claimKey(window.gateway, meaningOf(window, counts))),
  );
  return wanted.flatMap(({ window, counts }, i) => {
    const counter = counters[i]!.used;
    const history = window[counts];
    if (counter === history) return [];
    return [{ user_id: subject, gateway: window.gateway, counts, window: window.at, counter, history }];
  });
}

function meaningOf({ at }: Window, counts: Counted): Meaning {
  return { counts, max: null, window: { name: at.includes('T') ? 'hour' : 'day', id: at, end: 0 } };
}

function groupBySubject(windows: Window[]): Map<string, Window[]> {
  const groups = new Map<string, Window[]>();
  for (const window of windows) groups.set(window.subject, [...(groups.get(window.subject) ?? []), window]);
  return groups;
}
