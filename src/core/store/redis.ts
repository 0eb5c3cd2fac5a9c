/**
 * Redis, Valkey or a Redis Cluster, through the client of @keyv/redis: every operation is one script, atomic for any
 * number of processes and hosts.
 */
import type KeyvRedis from '@keyv/redis';
import type { Store } from './port.js';
import { connect } from './redis/connection.js';
import { history } from './redis/history.js';
import { keysUnder } from './redis/keys.js';
import { linkLike, linkTo } from './redis/link.js';
import { quotas } from './redis/quotas.js';
import { records } from './redis/records.js';
import { parseTarget } from './redis/target.js';

export interface RedisOptions {
  /** `redis://` or `rediss://` (TLS): a server, or one or more nodes of a cluster, with commas between. */
  url?: string;
  /** In place of `url`: its connection options are used, its connection is not, and `close` leaves it alone. */
  adapter?: KeyvRedis<unknown>;
  /** Where the URL has none. */
  password?: string;
  /** Milliseconds since 1970, in place of the server's clock; for tests. */
  now?: () => number;
}

/**
 * A store in Redis, connected by the first call that needs it, and again when the connection is lost. Calls reject with
 * StoreUnavailable while the server is away, and with a plain Error where @keyv/redis is not installed.
 * @throws Error where the URL cannot be read
 *
 * @example
 * const store = redis({ url: 'redis://localhost:6379', password: process.env.REDIS_PASSWORD });
 */
export function redis({ url = 'redis://localhost:6379', adapter, password, now }: RedisOptions): Store {
  const target = parseTarget(url, password);
  const connection = connect(adapter ? linkLike(adapter) : linkTo(target), now);
  const keys = keysUnder(target.prefix);
  return {
    kind: 'redis',
    place: adapter ? 'KeyvRedis' : target.place,
    get notice() {
      return connection.notice();
    },
    ...records(connection, keys),
    ...quotas(connection, keys, now ?? Date.now),
    ...history(connection, keys),
    async health() {
      const time = String(Date.now());
      await Promise.all(keys.beats().map((key) => connection.send(key, ['SET', key, time])));
    },
    close: () => connection.close(),
  };
}
