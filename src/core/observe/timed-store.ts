/** A store whose every call is timed and whose failures are counted. */
import { type Store, StoreUnavailable } from '../store/port.js';
import type { Metrics } from './metrics.js';

type Call<A extends unknown[], R> = (...args: A) => Promise<R>;

export function timedStore(store: Store, metrics: Metrics): Store {
  const timed =
    <A extends unknown[], R>(operation: string, call: Call<A, R>): Call<A, R> =>
    async (...args) => {
      const started = performance.now();
      try {
        return await call(...args);
      } catch (error) {
        if (error instanceof StoreUnavailable) metrics.storeFailed();
        throw error;
      } finally {
        metrics.storeDone(operation, (performance.now() - started) / 1_000);
      }
    };

  return {
    kind: store.kind,
    place: store.place,
    get notice() {
      return store.notice;
    },
    get: timed('get', store.get) as Store['get'],
    getMany: timed('getMany', store.getMany) as Store['getMany'],
    create: timed('create', store.create),
    update: timed('update', store.update),
    take: timed('take', store.take) as Store['take'],
    delete: timed('delete', store.delete),
    list: timed('list', store.list) as Store['list'],
    reserve: timed('reserve', store.reserve),
    extend: timed('extend', store.extend),
    renew: timed('renew', store.renew),
    settle: timed('settle', store.settle),
    counters: timed('counters', store.counters),
    sweep: timed('sweep', store.sweep),
    usage: store.usage,
    forgetUsage: timed('forgetUsage', store.forgetUsage),
    dump: timed('dump', store.dump),
    health: timed('health', store.health),
    close: store.close,
  };
}
