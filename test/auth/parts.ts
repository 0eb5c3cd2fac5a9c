/** The parts of authentication on a store, put together as a gateway does, with hashes that are quick. */
import { createAccessTokens } from '../../src/core/auth/access-tokens.js';
import { createApiKeys } from '../../src/core/auth/api-keys.js';
import { createAuthenticator } from '../../src/core/auth/authenticator.js';
import { createPasswords } from '../../src/core/auth/passwords.js';
import { createRoles } from '../../src/core/auth/roles.js';
import { loadSecrets, type Secrets } from '../../src/core/auth/secret.js';
import { createSessions } from '../../src/core/auth/sessions.js';
import { createUsers } from '../../src/core/auth/users.js';
import { checkConfig } from '../../src/core/config.js';
import type { Store } from '../../src/core/store/port.js';

export const QUICK = { memory_kib: 64, iterations: 1, parallelism: 1 };
export const PASSWORD = 'correct horse battery';

export interface PartsOptions {
  secrets?: Secrets;
  rotation?: boolean;
  now?: () => number;
  clock?: () => number;
}

export async function partsOn(store: Store, { secrets, rotation = true, now, clock }: PartsOptions = {}) {
  const roles = createRoles(checkConfig({}));
  const passwords = createPasswords(QUICK);
  const users = createUsers({ store, passwords, roles });
  const apiKeys = createApiKeys({ store, prefix: 'pk_live_' });
  const accessTokens = createAccessTokens({
    secrets: secrets ?? (await loadSecrets({ beside: undefined })),
    ttl: 1_800,
    now,
  });
  const sessions = createSessions({ store, ttl: 2_592_000, rotation, now });
  const authenticator = createAuthenticator({ store, apiKeys, accessTokens, now: clock });
  return { store, roles, passwords, users, apiKeys, accessTokens, sessions, authenticator };
}

export type Parts = Awaited<ReturnType<typeof partsOn>>;

/** A new user's row. */
export async function addUser({ users }: Pick<Parts, 'users'>, username = 'Ann', role = 'basic') {
  await users.create({ username, password: PASSWORD, role });
  const record = await users.record(username);
  if (!record) throw new Error('The user was not stored.');
  return record;
}

export const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`Expected an error, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

/** How many of the concurrent calls came to which end: `ok`, or an error's kind. */
export async function outcomes(calls: Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const result of await Promise.allSettled(calls)) {
    const end = result.status === 'fulfilled' ? 'ok' : String(result.reason.kind ?? result.reason);
    counts[end] = (counts[end] ?? 0) + 1;
  }
  return counts;
}
