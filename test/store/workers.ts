/** Processes of their own that work on a store, some of which are killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { storeThread } from '../../scripts/store-thread.js';
import { openStore } from '../../src/core/store/open.js';
import { collect } from './suite.js';

const KEYS = ['requests:hour', 'requests:day', 'tokens:hour', 'tokens:day'];

export interface Workers {
  /** @param task one of fixtures/worker.ts; @param where the store, as in the configuration */
  start(task: string, where: string, ...rest: number[]): ChildProcess;
  /** What a process says at its end. It has nothing to warn of. */
  result(child: ChildProcess): Promise<unknown>;
}

/** Builds the worker for the tests of the file that calls it. */
export function useWorkers(): Workers {
  // Within node_modules the drivers' packages are found.
  const modules = join(import.meta.dirname, '../../node_modules');
  let bundles: string;
  let worker: string;

  beforeAll(async () => {
    bundles = mkdtempSync(join(modules, '.parallama-worker-'));
    worker = join(bundles, 'worker.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'fixtures/worker.ts')],
      outfile: worker,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node22',
      define: { PARALLAMA_STORE_THREAD: JSON.stringify(await storeThread()) },
    });
  });
  afterAll(() => rmSync(bundles, { recursive: true, force: true }));

  return {
    start(task, where, ...rest) {
      const child = spawn(process.execPath, [worker, task, where, ...rest.map(String)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      onTestFinished(() => {
        child.kill('SIGKILL');
      });
      return child;
    },
    async result(child) {
      const ended = once(child, 'exit');
      const [said, warned, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), ended]);
      expect([warned, code]).toEqual(['', 0]);
      return JSON.parse(said);
    },
  };
}

/**
 * What every store that processes share must keep.
 * @param fresh an empty store of its own for each test, as in the configuration
 */
export function testProcesses({ start, result }: Workers, fresh: () => string): void {
  const open = async (where: string) => {
    const store = await openStore(where);
    onTestFinished(() => store.close());
    return store;
  };

  it('admits exactly the limit to four processes, and counts nothing of what was refused', async () => {
    const where = fresh();
    const admitted = await Promise.all([1, 2, 3, 4].map(() => result(start('hammer', where, 2000, 1000))));
    expect(admitted.reduce((sum: number, count) => sum + Number(count), 0)).toBe(1000);
    const store = await open(where);
    expect(await store.counters('ann', KEYS)).toEqual([
      { used: 1000, held: 0 },
      { used: 1000, held: 0 },
      { used: 3000, held: 0 },
      { used: 3000, held: 0 },
    ]);
    const history = { from: '2026-01-01T00', to: '2027-01-01T00', by: 'hour' } as const;
    expect(await collect(store.usage(history))).toMatchObject([{ requests: 1000, promptTokens: 3000 }]);
  }, 90_000);

  it('gives back what a killed process held, charged what was known', async () => {
    const where = fresh();
    const child = start('hold', where, 10, 100);
    await once(child.stdout!, 'data');
    const store = await open(where);
    expect((await store.counters('ann', KEYS))[2]).toEqual({ used: 0, held: 50 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await sleep(1100);
    expect(await result(start('sweep', where))).toBe(10);
    expect(await store.counters('ann', KEYS)).toEqual([
      { used: 5, held: 0 },
      { used: 5, held: 0 },
      { used: 15, held: 0 },
      { used: 15, held: 0 },
    ]);
  });

  it('is opened new by six processes at once', async () => {
    const where = fresh();
    const opened = await Promise.all(Array.from({ length: 6 }, () => result(start('open', where))));
    expect(opened).toEqual(Array(6).fill(null));
  });
}
