/** Processes that work on a store, whichever it is; see fixtures/worker.ts for what they can do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';

export interface Workers {
  /** Starts a process on the store `where`, killed with the test at the latest. */
  run(task: string, where: string, ...numbers: number[]): ChildProcess;
  /** What a process says at its end. It has nothing to warn of. */
  result(child: ChildProcess): Promise<unknown>;
}

/** Bundles the worker once for the tests of a file. */
export function workers(): Workers {
  let directory: string;
  let worker: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'parallama-worker-'));
    worker = join(directory, 'worker.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'fixtures/worker.ts')],
      outfile: worker,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node22',
      external: ['pg-native'],
      // The clients of some stores are CommonJS, which the bundle calls `require` for.
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
      logLevel: 'error',
    });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  return {
    run(task, where, ...numbers) {
      const child = spawn(process.execPath, [worker, task, where, ...numbers.map(String)], {
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
