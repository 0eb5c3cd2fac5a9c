/**
 * What the `/auth/...` routes do: registration, login, refresh, logout; the keys are beside.
 */
import { z } from 'zod';
import type { AuthConfig } from '../config.js';
import { GatewayError } from '../errors.js';
import type { AccessTokens } from './access-tokens.js';
import type { ApiKeys } from './api-keys.js';
import { readFields } from './body.js';
import { sameSecret } from './credential.js';
import { type AuthEndpoint, type AuthLog, type AuthOutput, known } from './endpoint.js';
import { createKeyEndpoints, type KeyEndpoints } from './key-endpoints.js';
import type { Passwords } from './passwords.js';
import type { Sessions } from './sessions.js';
import type { Throttle } from './throttle.js';
import { checkPassword, checkUsername, FIRST_GENERATION, type UserRecord } from './user.js';
import type { Users } from './users.js';

export type { AuthEndpoint, AuthInput, AuthLog, AuthOutput } from './endpoint.js';

export interface AuthEndpoints extends KeyEndpoints {
  /** `POST /auth/register` */
  register: AuthEndpoint;
  /** `POST /auth/login` */
  login: AuthEndpoint;
  /** `POST /auth/token` */
  token: AuthEndpoint;
  /** `POST /auth/logout` */
  logout: AuthEndpoint;
}

/** Longer than any name or password; spares the hash megabytes. */
const text = z.string().min(1, 'must not be empty').max(1_024, 'is too long');
const LOGIN = z.object({ username: text, password: text });
const REGISTER = LOGIN.extend({ invitation: text.optional() });
const REFRESH = z.object({ refresh_token: text });

/** Whoever registers is of this role. */
const REGISTERED_ROLE = 'basic';

export function createAuthEndpoints({
  users,
  passwords,
  sessions,
  accessTokens,
  apiKeys,
  throttle,
  config,
  log,
}: {
  users: Pick<Users, 'create' | 'record' | 'find' | 'rehash'>;
  passwords: Passwords;
  sessions: Sessions;
  accessTokens: AccessTokens;
  apiKeys: ApiKeys;
  throttle: Throttle;
  config: Pick<AuthConfig, 'registration' | 'invitations' | 'access_token_ttl'>;
  log?: AuthLog;
}): AuthEndpoints {
  /** Runs a check whose failures count, and notes them. */
  async function guarded<T>(
    attempt: { name?: string; ip?: string },
    what: string,
    check: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    try {
      const result = await throttle.guard(attempt, check);
      if (result === undefined) log?.warn({ event: `${what}_failed`, ip: attempt.ip }, `${what} failed`);
      return result;
    } catch (error) {
      if (error instanceof GatewayError && error.kind === 'too_many_logins') {
        log?.warn({ event: `${what}_throttled`, ip: attempt.ip }, `${what} refused after too many failures`);
      }
      throw error;
    }
  }

  async function checkInvitation(invitation: string | undefined, ip?: string): Promise<void> {
    if (config.registration !== 'invite') return;
    if (invitation === undefined) {
      throw new GatewayError('missing_field', { message: '"invitation" is required.', param: 'invitation' });
    }
    const valid = config.invitations.find((one) => sameSecret(one, invitation));
    if (await guarded({ ip }, 'invitation', async () => valid)) return;
    throw new GatewayError('registration_closed', {
      message: 'This invitation is not valid.',
      param: 'invitation',
    });
  }

  /** The user of a name and password. An unknown name costs as much as a wrong password. */
  async function checkLogin(username: string, password: string): Promise<UserRecord | undefined> {
    const user = await users.record(username);
    const right = await passwords.verify(user?.password_hash, password);
    return right ? user : undefined;
  }

  async function tokensFor(user: UserRecord, refreshToken: string): Promise<AuthOutput> {
    return {
      status: 200,
      body: {
        access_token: await accessTokens.issue(user),
        refresh_token: refreshToken,
        token_type: 'bearer',
        expires_in: config.access_token_ttl,
      },
    };
  }

  return {
    async register({ body, ip }) {
      if (config.registration === 'closed') throw new GatewayError('registration_closed');
      const { username, password, invitation } = readFields(REGISTER, body);
      checkUsername(username);
      checkPassword(password);
      await checkInvitation(invitation, ip);
      const user = await users.create({ username, password, role: REGISTERED_ROLE });
      const refreshToken = await sessions.create({ ...user, generation: FIRST_GENERATION });
      log?.info({ event: 'registered', user: user.id, ip }, 'user registered');
      return {
        status: 201,
        body: { user_id: user.id, username: user.username, role: user.role, refresh_token: refreshToken },
      };
    },

    async login({ body, ip }) {
      const { username, password } = readFields(LOGIN, body);
      const user = await guarded({ name: username, ip }, 'login', () => checkLogin(username, password));
      if (!user) throw new GatewayError('invalid_login');
      if (passwords.outdated(user.password_hash)) await users.rehash(user, password);
      log?.info({ event: 'login', user: user.id, ip }, 'login');
      return tokensFor(user, await sessions.create(user));
    },

    async token({ body, ip }) {
      const { refresh_token } = readFields(REFRESH, body);
      try {
        const { user, token } = await sessions.rotate(refresh_token);
        return await tokensFor(user, token);
      } catch (error) {
        if (error instanceof GatewayError) log?.warn({ event: 'refresh_failed', ip }, error.message);
        throw error;
      }
    },

    async logout({ body, identity, ip }) {
      const user = known(identity).id;
      const { refresh_token } = readFields(REFRESH, body);
      // An unknown or used token is no error: what the caller wants is so.
      if (await sessions.end(refresh_token, { user })) log?.info({ event: 'logout', user, ip }, 'logout');
      return { status: 204 };
    },

    ...createKeyEndpoints({ users, apiKeys, log }),
  };
}
