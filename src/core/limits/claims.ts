/** The four counters that a request is held on: requests and tokens, by day and hour. */
import type { GatewayName } from '../contract.js';
import type { Claim } from '../store/port.js';
import type { Limits } from './types.js';
import { WINDOWS, type Window, type WindowName, windowsAt } from './windows.js';

export const COUNTED = ['requests', 'tokens'] as const;
export type Counted = (typeof COUNTED)[number];

/** What a claim stands for, in the order of {@link claimsFor}. */
export interface Meaning {
  counts: Counted;
  window: Window;
  max: number | null;
}

/** A counter outlives its window by a day, so that late settlements and the sweep still find it. */
const KEEP = 86_400_000;

export function limitFor(limits: Limits, counts: Counted, window: WindowName): number | null {
  const daily = window === 'day';
  if (counts === 'requests') return daily ? limits.request_limit_daily : limits.request_limit_hourly;
  return daily ? limits.token_limit_daily : limits.token_limit_hourly;
}

export function meaningsAt(now: number, limits: Limits, windows = windowsAt(now)): Meaning[] {
  return COUNTED.flatMap((counts) =>
    WINDOWS.map((name) => ({ counts, window: windows[name], max: limitFor(limits, counts, name) })),
  );
}

export function claimKey(gateway: GatewayName, { counts, window }: Meaning): string {
  return `${gateway}:${counts}:${window.name}:${window.id}`;
}

export function claimsFor(gateway: GatewayName, meanings: Meaning[]): Claim[] {
  return meanings.map((meaning) => ({
    key: claimKey(gateway, meaning),
    counts: meaning.counts,
    max: meaning.max,
    expiresAt: meaning.window.end + KEEP,
  }));
}
