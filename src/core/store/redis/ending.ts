/** The end of a hold: by its settlement, or by the sweep. */
import type { Claim, Hold } from '../port.js';
import { MARK_LIFETIME } from '../quota.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { END } from './quota-scripts.js';

/** Length of the day in `2026-11-23T04`. */
const DAY = 10;

/**
 * Ends a hold, for good or because its lease has run out.
 * @param charge empty where the charge is what is known of it
 * @returns false where there was nothing to end
 */
export async function end(
  connection: Connection,
  keys: Keys,
  hold: Hold,
  state: 'settled' | 'expired',
  charge: string,
): Promise<boolean> {
  const { id, subject, claims, usage } = hold;
  const day = usage ? usage.hour.slice(0, DAY) : '';
  const field = usage ? JSON.stringify([usage.hour, usage.gateway, usage.model]) : '';
  const args = [id, state, charge, MARK_LIFETIME, subject, day, field, ...claimsOf(claims)];
  const all = [keys.hold(hold), keys.leases(subject), ...keys.usage(subject, day), ...countersOf(keys, hold)];
  return (await connection.run(END, all, args)) === 1;
}

/** Keys of the counters of a hold, in the order of its claims. */
export function countersOf(keys: Keys, { subject, claims }: Hold): string[] {
  return keys.counters(
    subject,
    claims.map(({ key }) => key),
  );
}

/** Claims as arguments of a script. */
export function claimsOf(claims: Claim[]): (string | number)[] {
  return claims.flatMap(({ counts, max, expiresAt }) => [counts, max ?? '', expiresAt]);
}
