/**
 * Where the database is: from a URL, or from the options of a @keyv/postgres adapter.
 */
import type { PoolConfig } from 'pg';

export interface PostgresOptions {
  /**
   * `postgres://user:password@host:5432/database`, with the options that node-postgres knows, `sslmode=` among them
   * (in PostgreSQL's own sense: `require` encrypts, `verify-full` checks the server too), and `schema=NAME`.
   */
  url?: string;
  /** A @keyv/postgres adapter, of which the options are taken: the pool behind it is not safe to share. */
  adapter?: PostgresAdapter;
  /** Where the URL has none. */
  password?: string;
  /** Milliseconds since 1970, instead of the server's clock; for tests. */
  now?: () => number;
}

/** What is used of a @keyv/postgres adapter. */
export interface PostgresAdapter {
  opts: PoolConfig & { uri?: string };
}

export interface Address {
  /** For people: without user, password and options. */
  place: string;
  /** PostgreSQL's schema, in which the tables are. */
  schema: string;
  config: PoolConfig;
}

const SCHEMA = 'parallama';
/** Strict, so that no part of a password that was not encoded is taken for a host and shown. */
const URL_FORM =
  /^(?<scheme>postgres(?:ql)?:\/\/)(?:(?<user>[^/?#@]*)@)?(?<host>(?:[\w.%-]*|\[[\da-f:.]+\])(?::\d+)?)(?<path>\/[^?#@]*)?(?:\?(?<query>[^#]*))?$/i;
const NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/** @throws Error where the URL or its schema cannot be read; it never shows the URL */
export function addressOf({ url, adapter, password }: PostgresOptions): Address {
  if (url !== undefined) return fromUrl(url, password);
  if (!adapter) throw new Error('The PostgreSQL store needs a url or an adapter.');
  const { uri, ...options } = adapter.opts;
  const config = password === undefined ? options : { password, ...options };
  if (uri !== undefined) {
    const address = fromUrl(uri, password ?? textOf(options.password));
    return { ...address, config: { ...config, ...address.config } };
  }
  const { host = 'localhost', port = 5432, database = '' } = options;
  const place = `postgres://${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
  return { place, schema: SCHEMA, config };
}

function fromUrl(url: string, password: string | undefined): Address {
  const parts = URL_FORM.exec(url)?.groups;
  if (!parts) {
    throw new Error(
      'The URL of the PostgreSQL store cannot be read. Write postgres://user:password@host:5432/database, ' +
        'with other characters than letters and digits as %XX.',
    );
  }
  const { scheme = '', user = '', host = '', path = '', query = '' } = parts;
  const options = new URLSearchParams(query);
  const schema = options.get('schema') ?? SCHEMA;
  if (!NAME.test(schema)) throw new Error('The schema of the PostgreSQL store is not a plain name.');
  options.delete('schema');
  // Otherwise node-postgres takes these modes for verify-full, and warns of it.
  if (/^(prefer|require|verify-ca)$/.test(options.get('sslmode') ?? ''))
    options.set('uselibpqcompat', 'true');
  const needed = password !== undefined && !user.includes(':') && !options.has('password');
  const login = needed ? `${user}:${encodeURIComponent(password)}` : user;
  const connectionString = `${scheme}${login === '' ? '' : `${login}@`}${host}${path}?${options}`;
  return { place: `${scheme}${host}${path}`, schema, config: { connectionString } };
}

function textOf(password: PoolConfig['password']): string | undefined {
  return typeof password === 'string' ? password : undefined;
}
