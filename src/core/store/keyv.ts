/**
 * Any Keyv, on whatever adapter: for one process. Keyv has no atomic operation, so that each step is made whole by
 * letting the calls of this process through one at a time; between processes nothing can do that.
 */
import { directories } from './keyv/directory.js';
import { documents, type KeyvInstance } from './keyv/documents.js';
import { history } from './keyv/history.js';
import { quotas } from './keyv/quotas.js';
import { records } from './keyv/records.js';
import type { Store } from './port.js';

export interface KeyvOptions {
  /**
   * For the gateway alone: it is made to throw its adapter's failures, which it would hide otherwise. Its `ttl` does
   * not count; `close` leaves it open.
   */
  keyv: KeyvInstance;
  /** Milliseconds since 1970; for tests. */
  now?: () => number;
}

/**
 * A store in a Keyv. Calls reject with StoreUnavailable where the adapter fails, says that it did, or does not answer
 * in time.
 *
 * @example
 * const store = keyv({ keyv: new Keyv({ store: new KeyvMongo('mongodb://localhost') }) });
 */
export function keyv({ keyv: instance, now = Date.now }: KeyvOptions): Store {
  const docs = documents(instance);
  const lists = directories();
  const name = adapterName(instance.store);
  return {
    kind: 'keyv',
    place: name,
    notice:
      `The store is a Keyv on ${name}: limits are exact for one gateway process only, and a call that its server ` +
      'carries out late is not noticed. For several processes use SQLite, Redis or PostgreSQL.',
    ...records(docs, lists, now),
    ...quotas(docs, lists, now),
    ...history(docs, lists),
    health: () => docs.run((turn) => turn.set(['health'], now())),
    close: async () => docs.close(),
  };
}

function adapterName(adapter: unknown): string {
  const maker = typeof adapter === 'object' && adapter !== null ? adapter.constructor : undefined;
  return maker?.name || 'an adapter';
}
