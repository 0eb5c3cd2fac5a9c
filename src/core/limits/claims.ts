/** The four counters that a request is held on: requests and tokens, by day and hour. */
import type { GatewayName } from '../contract.js';
import type { Claim } from '../store/port.js';
import type { Limits } from './types.js';
import { type Window, type Windows, windowsAt } from './windows.js';

export const COUNTED = ['requests', 'tokens'] as const;
export type Counted = (typeof COUNTED)[number];

/** What a claim stands for, in the order of {@link claimsFor}. */
export interface Meaning {
  counts: Counted;
  window: Readonly<Window>;
  max: number | null;
}

/** A counter outlives its window by a day, so that late settlements and the sweep still find it. */
const KEEP = 86_400_000;

/** The day first: where both refuse, the longer wait is the one to tell. */
export function meaningsAt(now: number | Windows, limits: Limits): Meaning[] {
  const { day, hour } = typeof now === 'number' ? windowsAt(now) : now;
  return [
    { counts: 'requests', window: day, max: limits.request_limit_daily },
    { counts: 'requests', window: hour, max: limits.request_limit_hourly },
    { counts: 'tokens', window: day, max: limits.token_limit_daily },
    { counts: 'tokens', window: hour, max: limits.token_limit_hourly },
  ];
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

/** The counters of a request, and what they stand for. Shared by all that have the same limits: not to be changed. */
export interface Counting {
  readonly meanings: Meaning[];
  readonly claims: Claim[];
  /** Whether any limit is one of tokens. */
  readonly boundsTokens: boolean;
}

/** The claims of a hold that takes several requests. */
export function claimsForSeveral(claims: Claim[], requests: number): Claim[] {
  return claims.map((claim) => (claim.counts === 'requests' ? { ...claim, requests } : claim));
}

/**
 * What {@link meaningsAt} and {@link claimsFor} give, made once for each limits object and hour: for who asks with
 * every request. Requests that share their claims are cheaper to hand to a store on another thread, too.
 */
export function rememberedCounting(): (gateway: GatewayName, limits: Limits, windows: Windows) => Counting {
  const known = new WeakMap<Limits, Partial<Record<GatewayName, Counting & { windows: Windows }>>>();
  return (gateway, limits, windows) => {
    let all = known.get(limits);
    if (!all) {
      all = {};
      known.set(limits, all);
    }
    const last = all[gateway];
    if (last?.windows === windows) return last;
    const meanings = meaningsAt(windows, limits);
    const boundsTokens = meanings.some(({ counts, max }) => counts === 'tokens' && max !== null);
    const counting = { windows, meanings, claims: claimsFor(gateway, meanings), boundsTokens };
    all[gateway] = counting;
    return counting;
  };
}
