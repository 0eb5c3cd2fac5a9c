/**
 * Who sends a request, told from its headers alone: an API key or an access token, as Bearer.
 */
import type { Identity, RequestHeaders } from '../contract.js';
import type { LimitOverrides } from '../limits/types.js';
import type { Records } from '../store/port.js';
import type { AccessTokens } from './access-tokens.js';
import type { ApiKeys } from './api-keys.js';
import { readCredential } from './credential.js';
import { type Proof, userBy } from './proof.js';
import { createReads } from './reads.js';
import { REFRESH_PREFIX } from './sessions.js';
import { unauthorized } from './unauthorized.js';
import type { UserRecord } from './user.js';

export interface Authenticated extends Identity {
  /** What was set for the user instead of the role's limits, as of at most {@link REMEMBER} ago. */
  limits?: LimitOverrides;
  /** What it rests on; undefined for users of the host app. */
  proof?: Proof;
}

export interface Authenticator {
  /**
   * @throws GatewayError `no_key`, `invalid_key`, `invalid_token`, `expired_token`; StoreUnavailable where the store
   * would have to be asked and cannot
   */
  authenticate(headers: RequestHeaders): Promise<Authenticated>;
}

/** Milliseconds. What is revoked is refused by every process within a second, reading and answering included. */
export const REMEMBER = 800;

/** @param options.now milliseconds on a clock that never goes back */
export function createAuthenticator({
  store,
  apiKeys,
  accessTokens,
  now = () => performance.now(),
}: {
  store: Pick<Records, 'get'>;
  apiKeys: Pick<ApiKeys, 'verify'>;
  accessTokens: Pick<AccessTokens, 'verify'>;
  now?: () => number;
}): Authenticator {
  const reads = createReads({ store, now });

  /** Undefined where key, token or user are not (or no longer) good, by rows as of `since`. */
  async function identityOf(bearer: string, since: number): Promise<Authenticated | undefined> {
    const get: Records['get'] = (table, id) => reads.get(table, id, since);
    const proof = isToken(bearer) ? await accessTokens.verify(bearer) : await apiKeys.verify(bearer, get);
    if (!proof) return undefined;
    const row = await get<UserRecord>('users', proof.username);
    const user = userBy(proof, row);
    return user && { id: user.id, username: user.username, role: user.role, limits: user.limits, proof };
  }

  return {
    async authenticate(headers) {
      const bearer = bearerOf(headers);
      if (bearer.startsWith(REFRESH_PREFIX)) {
        throw unauthorized(
          'invalid_token',
          'This is a refresh token. POST /auth/token exchanges it for an access token.',
        );
      }
      const start = now();
      // Nobody is refused by what is remembered: the user may have been made, or have logged in, a moment ago.
      const identity = (await identityOf(bearer, start - REMEMBER)) ?? (await identityOf(bearer, start));
      if (identity) return identity;
      if (isToken(bearer)) throw unauthorized('invalid_token', 'The access token has been revoked.');
      throw unauthorized('invalid_key', `Incorrect API key provided: ${masked(bearer)}.`);
    },
  };
}

function bearerOf({ authorization }: RequestHeaders): string {
  const header = typeof authorization === 'string' ? authorization.trim() : '';
  const [, bearer] = /^bearer\s+(.+)$/is.exec(header) ?? [];
  if (bearer === undefined) throw unauthorized('no_key');
  return bearer;
}

/** A key's prefix may have dots too, so that three parts alone do not tell. */
function isToken(bearer: string): boolean {
  return bearer.includes('.') && bearer.split('.', 4).length === 3 && readCredential(bearer) === undefined;
}

/** Enough to tell one's keys apart; the last four of ours belong to the checksum. */
function masked(bearer: string): string {
  const text = bearer.replace(/[^\x21-\x7e]/g, '?');
  return text.length < 24 ? '****' : `${text.slice(0, 4)}****${text.slice(-4)}`;
}
