/**
 * The arithmetic of quotas, without I/O: every driver that counts in JavaScript uses it, and the scripts of the others
 * follow it.
 */
import type { Charge, Claim, Counter, Wanted } from './port.js';

/**
 * For how long an ended hold is remembered, so that a settle that is repeated late counts once. There is a mark for each
 * request: at 50 requests a second, a day of them is four million.
 */
export const MARK_LIFETIME_MS = 24 * 3_600_000;

/** A charge as whole numbers to add; negative where it takes back. */
export type Figures = Record<keyof Charge, number>;

const NOTHING: Figures = {
  requests: 0,
  promptTokens: 0,
  completionTokens: 0,
  errors: 0,
  aborted: 0,
  latencyMs: 0,
};

/** What a charge adds. Time alone is no usage: a request that came to nothing adds no latency. */
export function figures(charge: Charge | undefined): Figures {
  if (!charge) return NOTHING;
  const { requests, promptTokens, completionTokens, errors, aborted } = charge;
  if (!(requests || promptTokens || completionTokens || errors || aborted)) return NOTHING;
  return { ...charge, latencyMs: Math.round(charge.latencyMs) };
}

/** What is still to be added where `known` was charged already. */
export function difference(total: Figures, known: Figures): Figures {
  return {
    requests: total.requests - known.requests,
    promptTokens: total.promptTokens - known.promptTokens,
    completionTokens: total.completionTokens - known.completionTokens,
    errors: total.errors - known.errors,
    aborted: total.aborted - known.aborted,
    latencyMs: total.latencyMs - known.latencyMs,
  };
}

export function isNothing(sum: Figures): boolean {
  return !(
    sum.requests ||
    sum.promptTokens ||
    sum.completionTokens ||
    sum.errors ||
    sum.aborted ||
    sum.latencyMs
  );
}

/** What a hold of `tokens` tokens holds on the counter of `claim`. */
export function heldOn(claim: Claim, tokens: number): number {
  return claim.counts === 'requests' ? (claim.requests ?? 1) : tokens;
}

/** What `sum` uses on the counter of `claim`. */
export function usedOn(claim: Claim, sum: Figures): number {
  return claim.counts === 'requests' ? sum.requests : sum.promptTokens + sum.completionTokens;
}

/** Tokens left for a hold: the least of its token counters; null where none of them has a limit. */
export function tokensLeft(claims: Claim[], counters: Counter[]): number | null {
  let left: number | null = null;
  claims.forEach((claim, at) => {
    if (claim.counts !== 'tokens' || claim.max === null) return;
    const here = room(claim.max, counters[at]!);
    if (left === null || here < left) left = here;
  });
  return left;
}

/** Tokens to hold by the rule of {@link Wanted}; undefined where not even the least is left. */
export function grant(left: number | null, { least, most, share }: Wanted): number | undefined {
  if (left === null) return most;
  if (left < least) return undefined;
  return least + Math.min(most - least, Math.floor((left - least) / share));
}

/** Index of the first claim that has no room for what a hold of `least` tokens takes; -1 where all have. */
export function refusedBy(claims: Claim[], counters: Counter[], least: number): number {
  return claims.findIndex(
    (claim, at) => claim.max !== null && room(claim.max, counters[at]!) < heldOn(claim, least),
  );
}

/** The counters of `claims` once a hold of `tokens` tokens was added. */
export function afterwards(claims: Claim[], before: Counter[], tokens: number): Counter[] {
  return before.map(({ used, held }, at) => ({ used, held: held + heldOn(claims[at]!, tokens) }));
}

function room(max: number, { used, held }: Counter): number {
  return max - used - held;
}
