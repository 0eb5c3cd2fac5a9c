/**
 * Bounds failed logins per name and per address, exactly and over all processes: each attempt holds one request on
 * both counters while its password is checked, and is charged only if it failed.
 */
import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../errors.js';
import { holdId } from '../store/hold-id.js';
import type { Charge, Claim, Hold, Quotas, Reserved } from '../store/port.js';

/** Failed attempts in one window. One name's failures do not block other names, even from the same address. */
export const FAILURES_PER_NAME = 10;
export const FAILURES_PER_ADDRESS = 100;
/** Milliseconds. Windows follow the clock: four an hour. */
export const LOGIN_WINDOW = 15 * 60_000;

/** Milliseconds after which an attempt whose process has died is given back. */
const LEASE = 60_000;
/** Milliseconds that an attempt waits for others of that name to end, where they would fill the counter if they fail. */
const PATIENCE = 5_000;
const PAUSE = 50;

export interface Attempt {
  name?: string;
  ip?: string;
}

export interface Throttle {
  /**
   * Runs a check whose failures count.
   * @param check undefined is a failure; what it throws is none
   * @throws GatewayError `too_many_logins` with Retry-After, without having run the check; StoreUnavailable
   */
  guard<T>(attempt: Attempt, check: () => Promise<T | undefined>): Promise<T | undefined>;
}

/** @param options.now milliseconds since 1970 */
export function createThrottle({
  store,
  now = Date.now,
}: {
  store: Pick<Quotas, 'reserve' | 'settle'>;
  now?: () => number;
}): Throttle {
  /** Refused by failures, or by attempts that are still running; the latter may turn out well. */
  async function admit(attempt: Attempt): Promise<Hold> {
    for (let waited = 0; ; waited += PAUSE) {
      const hold = holdFor(attempt, now());
      const reserved = await store.reserve(
        hold,
        { least: 0, most: 0, share: 1 },
        { lease: LEASE, sentAt: now() },
      );
      if (reserved.ok) return hold;
      if (failedOut(hold, reserved)) throw tooMany(LOGIN_WINDOW - (now() % LOGIN_WINDOW));
      if (waited >= PATIENCE) throw tooMany(PATIENCE);
      await sleep(PAUSE);
    }
  }

  return {
    async guard(attempt, check) {
      if (attempt.name === undefined && attempt.ip === undefined) return check();
      const hold = await admit(attempt);
      const startedAt = now();
      let failed: 0 | 1 = 0;
      try {
        const result = await check();
        if (result === undefined) failed = 1;
        return result;
      } finally {
        await store.settle(hold, chargeFor(failed, now() - startedAt));
      }
    },
  };
}

function holdFor({ name, ip }: Attempt, at: number): Hold {
  const window = Math.floor(at / LOGIN_WINDOW);
  const claim = (key: string, max: number): Claim => ({
    key: `${key}:${window}`,
    counts: 'requests',
    max,
    expiresAt: (window + 2) * LOGIN_WINDOW,
  });
  const claims: Claim[] = [];
  if (name !== undefined) claims.push(claim(`name:${digest(name.toLowerCase())}`, FAILURES_PER_NAME));
  if (ip !== undefined) claims.push(claim(`address:${digest(network(ip))}`, FAILURES_PER_ADDRESS));
  return { id: holdId(at), subject: 'login', claims };
}

function failedOut({ claims }: Hold, { at, counters }: Extract<Reserved, { ok: false }>): boolean {
  const max = claims[at]?.max ?? 0;
  return (counters[at]?.used ?? 0) >= max;
}

function chargeFor(failed: 0 | 1, latencyMs: number): Charge {
  return { requests: failed, promptTokens: 0, completionTokens: 0, errors: 0, aborted: 0, latencyMs };
}

function tooMany(wait: number): GatewayError {
  const seconds = Math.max(1, Math.ceil(wait / 1_000));
  return new GatewayError('too_many_logins', {
    message: `Too many failed attempts. Try again in ${seconds} seconds.`,
    headers: { 'retry-after': String(seconds) },
  });
}

/** What people type as a name can be long, and can be a password. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** Whoever has an IPv6 address has the 2^64 of its network too. */
export function network(ip: string): string {
  const address = ip.replace(/%.*$/, '').toLowerCase();
  const mapped = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (isIPv4(mapped) || !address.includes(':')) return mapped;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array<string>(zeros).fill('0'), ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
