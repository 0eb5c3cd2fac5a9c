/** What an identity of ours rests on: rows of the store that have to be there as long as it is made use of. */
import type { Row } from '../store/port.js';
import type { TokenOwner } from './access-tokens.js';
import type { KeyOwner, KeyRecord } from './api-keys.js';
import type { UserRecord } from './user.js';

/** Whose key or access token was shown. Holds no secret. */
export type Proof = KeyOwner | TokenOwner;

export function isKey(proof: Proof): proof is KeyOwner {
  return 'keyId' in proof;
}

/**
 * The user as the row says; undefined where the token is void, or the user gone. A namesake that was made since is
 * another user.
 */
export function userBy(proof: Proof, row: Row<UserRecord> | undefined): UserRecord | undefined {
  const user = row?.value;
  if (user?.id !== proof.userId) return undefined;
  return isKey(proof) || user.generation === proof.generation ? user : undefined;
}

/** Whether the key that was shown is still there. */
export function holds(proof: Proof, key: Row<KeyRecord> | undefined): boolean {
  return !isKey(proof) || key?.value.userId === proof.userId;
}
