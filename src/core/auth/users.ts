/**
 * Accounts. The row of a user is what everything else hangs on: without it, or with another id or generation in it,
 * keys and tokens are void.
 */
import { randomUUID } from 'node:crypto';
import type { GatewayName } from '../contract.js';
import { GatewayError } from '../errors.js';
import { mergeOverrides, withoutOverrides } from '../limits/merge.js';
import type { LimitOverrides } from '../limits/types.js';
import type { Records } from '../store/port.js';
import type { Passwords } from './passwords.js';
import type { Roles } from './roles.js';
import { allRows, deleteRowsOf } from './rows.js';
import {
  checkOverrides,
  checkPassword,
  checkUsername,
  FIRST_GENERATION,
  publicUser,
  type User,
  type UserRecord,
  userKey,
} from './user.js';

export interface NewUser {
  username: string;
  password: string;
  role: string;
  limits?: LimitOverrides;
}

/** Methods that change a user throw GatewayError `not_found` where there is none of that name. */
export interface Users {
  /** @throws GatewayError `conflict` for a taken name, `invalid_value` for a bad field or an unknown role */
  create(user: NewUser): Promise<User>;
  get(username: string): Promise<User | undefined>;
  /** By id instead of name. */
  find(id: string): Promise<User | undefined>;
  /** With the password's hash: for the login only. */
  record(username: string): Promise<UserRecord | undefined>;
  /** Ordered by name. */
  list(options?: { role?: string }): AsyncIterable<User>;
  setRole(username: string, role: string): Promise<User>;
  /** The options given replace the user's; the others stay. */
  setLimits(username: string, overrides: LimitOverrides): Promise<User>;
  /** Back to the role's limits, on one gateway or on all. */
  resetLimits(username: string, gateway?: GatewayName): Promise<User>;
  /** Access and refresh tokens are void at once, those being issued right now included. API keys stay. */
  revokeTokens(username: string): Promise<User>;
  /** Replaces the hash of a password that was just found right, where it is still that one. */
  rehash(user: UserRecord, password: string): Promise<void>;
  /** Keys and tokens are void at once, and their rows go too. */
  delete(username: string): Promise<void>;
}

export function createUsers({
  store,
  passwords,
  roles,
}: {
  store: Records;
  passwords: Pick<Passwords, 'hash'>;
  roles: Pick<Roles, 'get' | 'names'>;
}): Users {
  async function record(username: string): Promise<UserRecord | undefined> {
    const key = userKey(username);
    return key === undefined ? undefined : (await store.get<UserRecord>('users', key))?.value;
  }

  /** Writes only over the version it has read; whoever loses starts anew from the winner's. */
  async function change(username: string, edit: (user: UserRecord) => Partial<UserRecord>): Promise<User> {
    const key = userKey(username);
    for (;;) {
      const row = key === undefined ? undefined : await store.get<UserRecord>('users', key);
      if (!row) throw noUser(username);
      const value = { ...row.value, ...edit(row.value) };
      if (await store.update('users', row.id, row.version, value, { index: indexOf(value) })) {
        return publicUser(value);
      }
    }
  }

  function checkRole(role: string): void {
    if (roles.get(role)) return;
    throw new GatewayError('invalid_value', {
      message: `Unknown role "${role}". Roles: ${roles.names().join(', ')}.`,
      param: 'role',
    });
  }

  return {
    async create({ username, password, role, limits = {} }) {
      const key = checkUsername(username);
      checkPassword(password);
      checkRole(role);
      checkOverrides(limits);
      // Saves the hash where the name is taken; the create below decides.
      if (await store.get('users', key)) throw taken(username);
      const value: UserRecord = {
        id: randomUUID(),
        username,
        role,
        created_at: new Date().toISOString(),
        limits: mergeOverrides({}, limits),
        password_hash: await passwords.hash(password),
        generation: FIRST_GENERATION,
      };
      if (!(await store.create('users', key, value, { index: indexOf(value) }))) throw taken(username);
      return publicUser(value);
    },

    async get(username) {
      const found = await record(username);
      return found && publicUser(found);
    },

    async find(id) {
      const [row] = await store.list<UserRecord>('users', { where: { index: 'id', equals: id }, limit: 1 });
      return row && publicUser(row.value);
    },

    record,

    async *list({ role } = {}) {
      const where = role === undefined ? undefined : { index: 'role', equals: role };
      for await (const row of allRows<UserRecord>(store, 'users', where)) yield publicUser(row.value);
    },

    async setRole(username, role) {
      checkRole(role);
      return change(username, () => ({ role }));
    },

    async setLimits(username, overrides) {
      checkOverrides(overrides);
      return change(username, ({ limits }) => ({ limits: mergeOverrides(limits, overrides) }));
    },

    resetLimits: (username, gateway) =>
      change(username, ({ limits }) => ({ limits: withoutOverrides(limits, gateway) })),

    revokeTokens: (username) => change(username, ({ generation }) => ({ generation: generation + 1 })),

    async rehash(user, password) {
      const password_hash = await passwords.hash(password);
      const row = await store.get<UserRecord>('users', checkUsername(user.username));
      if (row?.value.password_hash !== user.password_hash) return;
      // Whoever changes the user meanwhile wins: the next login comes by here again.
      await store.update('users', row.id, row.version, { ...row.value, password_hash });
    },

    async delete(username) {
      const key = userKey(username);
      // The user first: without it, keys and sessions are void even if the rest of this fails.
      const row = key === undefined ? undefined : await store.take<UserRecord>('users', key);
      if (!row) throw noUser(username);
      await deleteRowsOf(store, 'keys', row.value.id);
      await deleteRowsOf(store, 'sessions', row.value.id);
    },
  };
}

function indexOf({ id, role }: User): Record<string, string> {
  return { id, role };
}

function taken(username: string): GatewayError {
  return new GatewayError('conflict', {
    message: `The username "${username}" is taken.`,
    param: 'username',
  });
}

function noUser(username: string): GatewayError {
  return new GatewayError('not_found', { message: `There is no user "${username}".`, param: 'username' });
}
