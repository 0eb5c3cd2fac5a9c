/** Runs the built command line as a process of its own, in a directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin/parallama-cli.cjs', import.meta.url));

export interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  process: ChildProcess;
  /** Resolves with everything on a stream, standard output by default, once it matches. */
  shows(pattern: RegExp, on?: 'stdout' | 'stderr'): Promise<string>;
  ended: Promise<Result>;
}

/** An empty directory, gone after the test. */
export async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'parallama-cli-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A directory with a configuration whose log files and passwords suit a test. */
export async function home(config = ''): Promise<string> {
  const path = await directory();
  const cheap = 'auth: { password_hashing: { memory_kib: 1024, iterations: 1 } }';
  await writeFile(join(path, 'parallama.yaml'), `${cheap}\nlogging: { directory: ./logs }\n${config}\n`);
  return path;
}

export function start(cwd: string, args: string[], options: { stdin?: string; env?: object } = {}): Running {
  const { PARALLAMA_CONFIG: _, ...env } = process.env;
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { ...env, NO_COLOR: '1', ...options.env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const ended = new Promise<Result>((resolve) =>
    child.once('close', (status) => resolve({ status, ...text })),
  );
  const shows: Running['shows'] = (pattern, on = 'stdout') =>
    new Promise((resolve, reject) => {
      const look = () => pattern.test(text[on]) && resolve(text[on]);
      child[on].on('data', look);
      look();
      void ended.then(() =>
        reject(new Error(`It ended without showing ${pattern}:\n${text.stdout}${text.stderr}`)),
      );
    });
  return { process: child, shows, ended };
}

export const run = (cwd: string, args: string[], options?: Parameters<typeof start>[2]): Promise<Result> =>
  start(cwd, args, options).ended;
