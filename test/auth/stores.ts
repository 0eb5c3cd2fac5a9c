/** Both drivers that need no server: what must hold on a store is tested on each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe } from 'vitest';
import type { Store } from '../../src/core/store/port.js';
import { memory, sqlite } from '../../src/core/store/sqlite.js';

export interface StoreOptions {
  now?: () => number;
}

/** Runs the tests with each store; what a test opened is closed and removed after it. */
export function describeStores(
  what: string,
  tests: (open: (options?: StoreOptions) => Promise<Store>) => void,
): void {
  describe.each(['memory', 'sqlite'])(`${what}, %s`, (kind) => {
    const { directory, keep } = cleanUp();
    tests(async (options = {}) =>
      keep(
        kind === 'memory'
          ? memory(options)
          : sqlite({ path: join(await directory(), 'test.db'), ...options }),
      ),
    );
  });
}

/** Temporary directories and stores of the current test. */
export function cleanUp() {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  return {
    async directory(): Promise<string> {
      const path = await mkdtemp(join(tmpdir(), 'parallama-auth-'));
      ends.push(() => rm(path, { recursive: true }));
      return path;
    },
    keep(store: Store): Store {
      ends.push(() => store.close());
      return store;
    },
  };
}

/** The store with its single reads counted, and failing where `before` throws. */
export function counted(store: Store, before: (count: number) => void = () => {}) {
  let count = 0;
  const get: Store['get'] = async (table, id) => {
    count += 1;
    before(count);
    return store.get(table, id);
  };
  return { store: { ...store, get }, reads: () => count };
}
