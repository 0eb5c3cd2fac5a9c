/**
 * Requests that the upstream fails before any answer are given back; those of a user who goes on making them count: each
 * costs the upstream time, and a limit of requests would bound nothing.
 */
import { holdId } from '../store/hold-id.js';
import type { Hold, Quotas } from '../store/port.js';
import { NO_TOKENS } from './grant.js';
import { NOTHING_USED } from './lease.js';

/** Failed requests of a user that are given back in one minute, over all processes on the store. */
export const FORGIVEN_A_MINUTE = 9;

const MINUTE_MS = 60_000;
/** After which a note whose process has died is given back. */
const LEASE_MS = 10_000;

export interface Failures {
  /** Notes a failed request. @returns whether it counts; false where the store cannot be asked */
  note(user: string): Promise<boolean>;
}

/** @param options.now milliseconds since 1970 */
export function createFailures({
  store,
  now = Date.now,
}: {
  store: Pick<Quotas, 'reserve' | 'settle'>;
  now?: () => number;
}): Failures {
  function holdFor(user: string, at: number): Hold {
    const minute = Math.floor(at / MINUTE_MS);
    return {
      id: holdId(at),
      subject: user,
      claims: [
        {
          key: `failures:${minute}`,
          counts: 'requests',
          max: FORGIVEN_A_MINUTE,
          expiresAt: (minute + 2) * MINUTE_MS,
        },
      ],
    };
  }

  return {
    async note(user) {
      const at = now();
      const hold = holdFor(user, at);
      try {
        const reserved = await store.reserve(hold, NO_TOKENS, { lease: LEASE_MS, sentAt: at });
        if (!reserved.ok) return true;
        await store.settle(hold, { ...NOTHING_USED, requests: 1 });
      } catch {
        // The request is settled by the journal then; nobody is to pay for an outage.
      }
      return false;
    },
  };
}
