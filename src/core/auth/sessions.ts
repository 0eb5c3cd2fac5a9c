/**
 * Refresh tokens. A login is a session, one row that holds the hash of its current secret; each use of the token puts
 * a new secret into the row. Any other secret for a living session is one that was used before, so somebody has a
 * copy: the session ends.
 */
import { GatewayError } from '../errors.js';
import type { Records, Row } from '../store/port.js';
import { type Credential, hasHash, makeCredential, readCredential, secretHash } from './credential.js';
import { deleteRowsOf } from './rows.js';
import { checkUsername, type UserRecord } from './user.js';

export const REFRESH_PREFIX = 'rt_';

interface SessionRecord {
  userId: string;
  /** Row id of the user. */
  username: string;
  /** The user's at login: a session of an older one is void, whether or not its row is gone yet. */
  generation: number;
  hash: string;
}

export interface Sessions {
  /** Starts a session. @returns its refresh token */
  create(user: Pick<UserRecord, 'id' | 'username' | 'generation'>): Promise<string>;
  /**
   * Exchanges a refresh token for the next one, of which there is one for any number of concurrent calls.
   * @returns the user as the store has it; without rotation the same token again
   * @throws GatewayError `invalid_refresh_token`
   */
  rotate(token: string): Promise<{ user: UserRecord; token: string }>;
  /**
   * Ends the token's session, with a used token too.
   * @param options.user ends it only where it is that user's
   * @returns false where there was none
   */
  end(token: string, options?: { user?: string }): Promise<boolean>;
  /** Ends all sessions of a user. @returns how many there were */
  endAll(userId: string): Promise<number>;
}

/**
 * @param options.ttl seconds that a token lives, counted anew for each
 * @param options.rotation false: a token can be used until it expires
 * @param options.now milliseconds since 1970
 */
export function createSessions({
  store,
  ttl,
  rotation,
  now = Date.now,
}: {
  store: Records;
  ttl: number;
  rotation: boolean;
  now?: () => number;
}): Sessions {
  const expiry = () => now() + ttl * 1_000;

  /** The row and the user of a token that is good to use. */
  async function check({ id, secret }: Credential): Promise<{ row: Row<SessionRecord>; user: UserRecord }> {
    const row = await store.get<SessionRecord>('sessions', id);
    if (!row) throw refused();
    const { hash, username, userId, generation } = row.value;
    if (!hasHash(secret, hash)) throw await reused(id);
    const user = (await store.get<UserRecord>('users', username))?.value;
    if (user?.id === userId && user.generation === generation) return { row, user };
    await store.delete('sessions', id);
    throw refused();
  }

  async function reused(id: string): Promise<GatewayError> {
    await store.delete('sessions', id);
    return refused('This refresh token was used before. Its session has been ended: log in again.');
  }

  return {
    async create(user) {
      const { id, secret, text } = makeCredential(REFRESH_PREFIX);
      const value: SessionRecord = {
        userId: user.id,
        username: checkUsername(user.username),
        generation: user.generation,
        hash: secretHash(secret),
      };
      const created = await store.create('sessions', id, value, {
        index: { user: user.id },
        expiresAt: expiry(),
      });
      if (!created) throw new Error('Two random session ids are the same.');
      return text;
    },

    async rotate(token) {
      const credential = read(token);
      if (!credential) throw refused();
      const { row, user } = await check(credential);
      if (!rotation) return { user, token };
      const { secret, text } = makeCredential(REFRESH_PREFIX, row.id);
      const value: SessionRecord = { ...row.value, hash: secretHash(secret) };
      // The last step: where the store goes away before it, the token has not been used up.
      if (await store.update('sessions', row.id, row.version, value, { expiresAt: expiry() })) {
        return { user, token: text };
      }
      throw await reused(row.id);
    },

    async end(token, { user } = {}) {
      const credential = read(token);
      if (!credential) return false;
      if (user !== undefined) {
        const row = await store.get<SessionRecord>('sessions', credential.id);
        if (row?.value.userId !== user) return false;
      }
      return store.delete('sessions', credential.id);
    },

    endAll: (userId) => deleteRowsOf(store, 'sessions', userId),
  };
}

function read(token: string): Credential | undefined {
  return token.startsWith(REFRESH_PREFIX) ? readCredential(token) : undefined;
}

function refused(message?: string): GatewayError {
  return new GatewayError('invalid_refresh_token', { message });
}
