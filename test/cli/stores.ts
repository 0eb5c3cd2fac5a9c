/** The stores that the command line is tried on: as `store.url` of a configuration, fresh for each test. */
import { onTestFinished } from 'vitest';
import { startRedis } from '../support/services/redis.js';

export interface TestStore {
  kind: string;
  /** Gone after the test. */
  url(): Promise<string>;
}

export const STORES: TestStore[] = [
  { kind: 'sqlite', url: async () => 'sqlite:./parallama.db' },
  {
    kind: 'redis',
    async url() {
      const server = await startRedis();
      onTestFinished(() => server.stop());
      return server.url;
    },
  },
];
