/**
 * From the `store` setting to a store. A driver is loaded when its scheme is named.
 */
import type KeyvRedis from '@keyv/redis';
import type { KeyvInstance } from './keyv/documents.js';
import { type Store, StoreUnavailable } from './port.js';
import type { PostgresAdapter } from './postgres/address.js';
import { sqlitePath } from './sqlite-path.js';

interface OpenOptions {
  /** Milliseconds since 1970; for tests. */
  now?: () => number;
  /** Of the database, where its URL has none. */
  password?: string;
  /** An SQLite file is worked on in a thread of its own: for who has other things to do meanwhile. */
  thread?: boolean;
}

interface Scheme {
  /** How it is written, for the message of an error. */
  form: string;
  make(where: string, options: OpenOptions): Promise<Store>;
}

const postgres: Scheme = {
  form: 'postgres://HOST/DATABASE',
  make: async (url, options) => (await import('./postgres.js')).postgres({ url, ...options }),
};

const redis: Scheme = {
  form: 'redis://HOST',
  make: async (url, options) => (await import('./redis.js')).redis({ url, ...options }),
};

const SCHEMES: Record<string, Scheme> = {
  sqlite: {
    form: 'sqlite:PATH',
    make: async (where, options) => {
      const path = sqlitePath(where)!;
      if (options.thread) return (await import('./sqlite/threaded.js')).threadedSqlite({ path });
      return (await import('./sqlite.js')).sqlite({ path, ...options });
    },
  },
  memory: {
    form: 'memory:',
    make: async (_, options) => (await import('./sqlite.js')).memory(options),
  },
  postgres,
  postgresql: postgres,
  redis,
  rediss: redis,
};

/**
 * Opens the store that `where` names; a Store is taken as it is. Of a Keyv on Redis or PostgreSQL only the adapter's
 * options are used. A store that cannot be reached now is returned all the same: its calls reject with StoreUnavailable until it can be.
 * @throws Error where `where` is no store that is known, or one that this version can never use
 *
 * @example
 * const store = await openStore('sqlite:./parallama.db');
 */
export async function openStore(
  where: string | Store | KeyvInstance,
  options: OpenOptions = {},
): Promise<Store> {
  if (typeof where !== 'string') {
    if (isStore(where)) return where;
    if (isKeyv(where)) return reached(await keyvStore(where, options));
    throw new Error(`The store is neither a text nor a Store. ${supported()}`);
  }
  // Of a text that is wrong only the scheme is shown: the rest may hold a password.
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(where)?.[1]?.toLowerCase();
  if (scheme === undefined) throw new Error(`The store does not say what it is. ${supported()}`);
  const known = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (!known) throw new Error(`There is no store of the kind "${scheme}:". ${supported()}`);
  return reached(await known.make(where, options));
}

/** What is on Redis or PostgreSQL gets the driver that can do more than Keyv. */
async function keyvStore(keyv: KeyvInstance, options: OpenOptions): Promise<Store> {
  const adapter = keyv.store;
  if (isKeyvRedis(adapter)) return (await import('./redis.js')).redis({ adapter, ...options });
  if (isKeyvPostgres(adapter)) return (await import('./postgres.js')).postgres({ adapter, ...options });
  return (await import('./keyv.js')).keyv({ keyv, ...options });
}

/** A store that can be reached, or that is away for now. */
async function reached(store: Store): Promise<Store> {
  await store.health().catch((error: unknown) => {
    if (!(error instanceof StoreUnavailable)) throw error;
  });
  return store;
}

function supported(): string {
  const forms = new Set(Object.values(SCHEMES).map(({ form }) => form));
  return `It can be ${[...forms].join(', ')}, a Keyv or a Store object.`;
}

function isStore(value: unknown): value is Store {
  return typeof value === 'object' && value !== null && 'reserve' in value && 'settle' in value;
}

function isKeyv(value: unknown): value is KeyvInstance {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['store', 'get', 'set', 'delete', 'on', 'off', 'throwOnErrors'].every((name) => name in value)
  );
}

function isKeyvRedis(value: unknown): value is KeyvRedis<unknown> {
  return typeof value === 'object' && value !== null && 'getClient' in value && 'isCluster' in value;
}

/** By its table: nothing that every adapter has tells it from the others. */
function isKeyvPostgres(value: unknown): value is PostgresAdapter {
  if (typeof value !== 'object' || value === null || !('opts' in value)) return false;
  const { opts } = value;
  return typeof opts === 'object' && opts !== null && 'dialect' in opts && opts.dialect === 'postgres';
}
