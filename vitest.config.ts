import { defineConfig } from 'vitest/config';
import { storeThread } from './scripts/store-thread.js';

export default defineConfig({
  define: { PARALLAMA_STORE_THREAD: JSON.stringify(await storeThread()) },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/provision.ts',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Tests start servers and child processes: two files at a time is what a small machine can time fairly.
    maxWorkers: 2,
    pool: 'forks',
  },
});
