/** What an operator takes away from a user: tokens, and with them keys. */
import { GatewayError } from '../errors.js';
import type { ApiKeys } from './api-keys.js';
import type { Sessions } from './sessions.js';
import type { Users } from './users.js';

/** Both throw GatewayError `not_found` where there is no user of that name. */
export interface TokensAdmin {
  /** The user's refresh tokens are void, and there is a new one; access tokens live until they expire. */
  rotate(username: string): Promise<{ refresh_token: string; sessions_ended: number }>;
  /**
   * Refresh and access tokens are void at once, those being issued right now included.
   * @param options.keys API keys too
   */
  revokeAll(
    username: string,
    options?: { keys?: boolean },
  ): Promise<{ sessions_ended: number; keys_revoked: number }>;
}

export function createTokensAdmin({
  users,
  sessions,
  keys,
}: {
  users: Pick<Users, 'record' | 'revokeTokens'>;
  sessions: Pick<Sessions, 'create' | 'endAll'>;
  keys: Pick<ApiKeys, 'revokeAll'>;
}): TokensAdmin {
  return {
    async rotate(username) {
      const user = await users.record(username);
      if (!user) {
        throw new GatewayError('not_found', {
          message: `There is no user "${username}".`,
          param: 'username',
        });
      }
      const sessions_ended = await sessions.endAll(user.id);
      return { refresh_token: await sessions.create(user), sessions_ended };
    },

    async revokeAll(username, options = {}) {
      // The user's generation first: with it, every token is void even if the rest of this fails.
      const { id } = await users.revokeTokens(username);
      const sessions_ended = await sessions.endAll(id);
      return { sessions_ended, keys_revoked: options.keys ? await keys.revokeAll(id) : 0 };
    },
  };
}
