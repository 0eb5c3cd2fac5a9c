/**
 * API keys: shown once, kept as a SHA-256, revoked by deleting the row.
 */
import { LRUCache } from 'lru-cache';
import type { Records } from '../store/port.js';
import { idIn, makeCredential, ownText, readCredential, sameHash, secretHash } from './credential.js';
import { allRows, deleteRowsOf } from './rows.js';
import { checkUsername } from './user.js';

/** A key as its owner may see it again. */
export interface ApiKey {
  id: string;
  name?: string;
  /** ISO 8601, UTC. */
  created_at: string;
}

/** The row of table `keys`. */
export interface KeyRecord {
  userId: string;
  /** Row id of the user. */
  username: string;
  hash: string;
  name?: string;
  created_at: string;
}

/** What a key's text says. */
interface Presented {
  text: string;
  id: string;
  hash: string;
}

/** Keys whose text need not be read and hashed with every request. One entry each, however its prefix is spelled. */
const REMEMBERED_KEYS = 10_000;

/** Whose key it is, as far as the key's row says; the user may be gone or another by now. */
export interface KeyOwner {
  keyId: string;
  userId: string;
  /** Row id of the user. */
  username: string;
}

export interface ApiKeys {
  /** The only time that `key` can be seen. */
  generate(
    user: { id: string; username: string },
    options?: { name?: string },
  ): Promise<ApiKey & { key: string }>;
  /** Oldest first. */
  list(user: { id: string }): Promise<ApiKey[]>;
  /** False where there is no such key, or it is not that user's. */
  revoke(id: string, options?: { user?: string }): Promise<boolean>;
  /** Revokes all keys of a user. @returns how many there were */
  revokeAll(userId: string): Promise<number>;
  /**
   * Undefined for anything but a live key. The caller still has to see that the user exists with that id.
   * @param get reads the row; for a cache
   */
  verify(key: string, get?: Records['get']): Promise<KeyOwner | undefined>;
}

/** @param options.prefix what new keys start with; older keys stay valid when it changes */
export function createApiKeys({ store, prefix }: { store: Records; prefix: string }): ApiKeys {
  const remembered = new LRUCache<string, Presented>({ max: REMEMBERED_KEYS });

  return {
    async generate(user, { name } = {}) {
      const { id, secret, text } = makeCredential(prefix);
      const created_at = new Date().toISOString();
      const record: KeyRecord = {
        userId: user.id,
        username: checkUsername(user.username),
        hash: secretHash(secret),
        name,
        created_at,
      };
      const created = await store.create('keys', id, record, { index: { user: user.id } });
      if (!created) throw new Error('Two random key ids are the same.');
      return { id, name, created_at, key: text };
    },

    async list(user) {
      const keys: ApiKey[] = [];
      for await (const { id, value } of allRows<KeyRecord>(store, 'keys', {
        index: 'user',
        equals: user.id,
      })) {
        keys.push({ id, name: value.name, created_at: value.created_at });
      }
      return keys.sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
    },

    async revoke(id, { user } = {}) {
      if (user !== undefined) {
        const row = await store.get<KeyRecord>('keys', id);
        if (row?.value.userId !== user) return false;
      }
      return store.delete('keys', id);
    },

    revokeAll: (userId) => deleteRowsOf(store, 'keys', userId),

    async verify(key, get = (table, id) => store.get(table, id)) {
      const known = remembered.get(idIn(key));
      const presented = known?.text === key ? known : read(key);
      if (!presented) return undefined;
      const row = await get<KeyRecord>('keys', presented.id);
      if (!row || !sameHash(presented.hash, row.value.hash)) return undefined;
      if (presented !== known) remembered.set(presented.id, presented);
      return { keyId: row.id, userId: row.value.userId, username: row.value.username };
    },
  };
}

function read(key: string): Presented | undefined {
  const credential = readCredential(key);
  if (!credential) return undefined;
  return { text: ownText(key), id: ownText(credential.id), hash: secretHash(credential.secret) };
}
