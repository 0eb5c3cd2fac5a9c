/**
 * OpenAI's rate limit headers, for the tightest window of each kind, and the 429 that names the limit.
 * Names and formats: translation facts of OpenAI's own documentation (guides/rate-limits).
 */
import type { GatewayName, ResponseHeaders } from '../contract.js';
import { GatewayError } from '../errors.js';
import type { Counter } from '../store/port.js';
import { COUNTED, type Meaning } from './claims.js';

/** A Go duration as OpenAI writes it: `0s`, `12ms`, `8.64s`, `6m0s`, `1h0m0s`. */
export function goDuration(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms === 0) return '0s';
  if (ms < 1_000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = `${(ms % 60_000) / 1_000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

export function remaining(max: number, counter: Counter): number {
  return Math.max(0, max - counter.used - counter.held);
}

/** Written out: names that are put together for each answer are looked up anew each time. */
const NAMES = {
  requests: {
    limit: 'x-ratelimit-limit-requests',
    remaining: 'x-ratelimit-remaining-requests',
    reset: 'x-ratelimit-reset-requests',
  },
  tokens: {
    limit: 'x-ratelimit-limit-tokens',
    remaining: 'x-ratelimit-remaining-tokens',
    reset: 'x-ratelimit-reset-tokens',
  },
} as const;

/** `x-ratelimit-*` for requests and tokens; nothing for a kind that is unlimited. */
export function rateHeaders(meanings: Meaning[], counters: Counter[], now: number): ResponseHeaders {
  const headers: ResponseHeaders = {};
  for (const counts of COUNTED) {
    let tightest: Meaning | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < meanings.length; i += 1) {
      const meaning = meanings[i]!;
      const counter = counters[i];
      if (meaning.counts !== counts || meaning.max === null || !counter) continue;
      const left = remaining(meaning.max, counter);
      if (left >= least) continue;
      tightest = meaning;
      least = left;
    }
    if (!tightest) continue;
    const names = NAMES[counts];
    headers[names.limit] = String(tightest.max);
    headers[names.remaining] = String(least);
    headers[names.reset] = goDuration(tightest.window.end - now);
  }
  return headers;
}

/** Seconds above which openai's clients would ignore Retry-After and try again at once. */
const WORTH_WAITING = 60;

export interface Refusal {
  gateway: GatewayName;
  model: string;
  meanings: Meaning[];
  counters: Counter[];
  /** Index of the limit that refused. */
  at: number;
  /** What the request asked for. */
  requested: number;
}

export function limitError(
  { gateway, model, meanings, counters, at, requested }: Refusal,
  now: number,
): GatewayError {
  const meaning = meanings[at]!;
  const { used, held } = counters[at]!;
  const wait = meaning.window.end - now;
  const seconds = Math.max(1, Math.ceil(wait / 1_000));
  const name = `${meaning.counts} per ${meaning.window.name}`;
  const figures = `Limit ${meaning.max}, Used ${used}${held > 0 ? `, In use ${held}` : ''}, Requested ${requested}`;
  const never = (meaning.counts === 'tokens' || requested > 1) && requested > (meaning.max ?? 0);
  const message = never
    ? `Request too large for ${model} on ${name} of the ${gateway} gateway: ${figures}. ${meaning.counts === 'tokens' ? 'Send a shorter prompt' : 'Ask for fewer answers at once'}.`
    : `Rate limit reached for ${model} on ${name} of the ${gateway} gateway: ${figures}. Please try again in ${goDuration(wait)}.`;
  return new GatewayError(meaning.counts === 'requests' ? 'too_many_requests' : 'too_many_tokens', {
    message,
    headers: {
      ...rateHeaders(meanings, counters, now),
      'retry-after': String(seconds),
      'retry-after-ms': String(Math.max(1, Math.ceil(wait))),
      'x-should-retry': String(seconds <= WORTH_WAITING),
    },
  });
}
