/**
 * Redis, Valkey or a Redis Cluster, through the client of @keyv/redis: all that must be atomic for any number of
 * processes and hosts is a script. Many steps of quotas share a run of one.
 */
import type KeyvRedis from '@keyv/redis';
import type { Store } from './port.js';
import { connect } from './redis/connection.js';
import { history } from './redis/history.js';
import { keysUnder } from './redis/keys.js';
import { linesBy } from './redis/lines.js';
import { linkLike, linkTo } from './redis/link.js';
import { quotas } from './redis/quotas.js';
import { records } from './redis/records.js';
import { stepsOver } from './redis/steps.js';
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
  const lines = linesBy(adapter ? linkLike(adapter) : linkTo(target));
  const connection = connect(lines, now);
  const keys = keysUnder(target.prefix);
  const steps = stepsOver(lines, keys, now);
  return {
    kind: 'redis',
    place: adapter ? 'KeyvRedis' : target.place,
    get notice() {
      return lines.notice();
    },
    ...records(connection, keys),
    ...quotas(connection, steps, keys, now ?? Date.now),
    ...history(connection, keys),
    async health() {
      const time = String(Date.now());
      await Promise.all(keys.beats().map((key) => connection.send(key, ['SET', key, time])));
    },
    async close() {
      lines.close();
    },
  };
}
