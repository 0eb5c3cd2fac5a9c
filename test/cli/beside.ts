/** A server that runs beside the command line, on the same store, in front of a simulated Ollama. */

import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../src/testing/index.js';
import { home, type Result, type Running, run, start } from './run.js';

const BIN = fileURLToPath(new URL('../../bin/parallama-cli.cjs', import.meta.url));

export interface Beside {
  cwd: string;
  url: string;
  simulator: Simulator;
  server: Running;
  /** Runs a command line as it would be typed: `parallama-cli user list`. */
  type(line: string): Promise<Result>;
  /** The value that a command prints with --json; fails where the command does. */
  json<T = Record<string, unknown>>(...args: string[]): Promise<T>;
  /** Asks the server. */
  ask(
    path: string,
    options?: { key?: string; body?: unknown },
  ): Promise<{ status: number; json: Record<string, unknown>; text: string }>;
}

export async function startBeside({
  store = 'sqlite:./parallama.db',
  config = '',
  upstreamPort,
}: {
  store?: string;
  config?: string;
  /** Of another than the simulator. */
  upstreamPort?: number;
} = {}): Promise<Beside> {
  const simulator = await startSimulator({ port: 0 });
  onTestFinished(() => simulator.close());
  const cwd = await home(
    `store: { url: "${store}" }
api_gateways:
  ollama: { host: http://127.0.0.1, port: ${upstreamPort ?? simulator.port}, default_model: llama2 }
  openai: { model_mappings: { gpt-3.5-turbo: llama2 } }
${config}`,
  );
  const command = join(cwd, 'parallama-cli');
  await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
  await chmod(command, 0o755);

  const server = start(cwd, ['serve', '--port', '0', '--json']);
  const { url } = JSON.parse(await server.shows(/\n/)) as { url: string };
  return {
    cwd,
    url,
    simulator,
    server,
    type: (line) => typed(cwd, line),
    async json(...args) {
      const { status, stdout, stderr } = await run(cwd, [...args, '--json']);
      expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: '' });
      return JSON.parse(stdout);
    },
    async ask(path, { key, body } = {}) {
      const response = await fetch(url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json');
      return { status: response.status, text, json: isJson ? JSON.parse(text) : {} };
    },
  };
}

/** In a shell, with the command on the PATH. */
function typed(cwd: string, line: string): Promise<Result> {
  const { PARALLAMA_CONFIG: _, ...env } = process.env;
  const options = { cwd, env: { ...env, NO_COLOR: '1', PATH: `${cwd}${delimiter}${env.PATH}` } };
  return new Promise((resolve) => {
    const child = execFile('bash', ['-c', line], options, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** What an operator changes is seen by every server within this many milliseconds. */
export const SEEN_WITHIN = 1_000;
export const settle = () => sleep(SEEN_WITHIN);
