/** `parallama-cli serve` as a process of its own, from the build. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const CLI = resolve(import.meta.dirname, '../../bin/parallama-cli.cjs');

export interface ServerProcess {
  url: string;
  pid: number;
  /** Resolves with the exit code, or null after a signal. */
  exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** All that it has written to standard error. */
  complaints(): string;
}

export interface ServerOptions {
  /** The port of its inspector, on loopback. */
  inspector?: number;
  /** A free one where absent. */
  port?: number;
}

/** Runs one command to its end. */
export async function cli(config: string, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [CLI, ...args, '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${Buffer.concat(errors)}`);
  return Buffer.concat(chunks).toString();
}

/** A configuration in `directory`, with an SQLite store, logs and a secret beside it. @returns its path */
export async function writeConfig(directory: string, upstreamPort: number, more = ''): Promise<string> {
  const path = join(directory, 'config.yaml');
  await writeFile(
    path,
    `api_gateways:
  ollama: { host: http://127.0.0.1, port: ${upstreamPort}, default_model: llama2 }
  openai: { model_mappings: { gpt-4: llama2 } }
store: { url: "sqlite:${join(directory, 'shared.db')}" }
logging: { directory: ${join(directory, 'log')} }
auth: { password_hashing: { memory_kib: 1024, iterations: 1, parallelism: 1 } }
${more}`,
  );
  return path;
}

const running = new Set<ChildProcess>();

export async function startServer(config: string, options: ServerOptions = {}): Promise<ServerProcess> {
  const { inspector, port = 0 } = options;
  const inspected =
    inspector === undefined ? [] : [`--inspect=127.0.0.1:${inspector}`, '--inspect-publish-uid=http'];
  const child = spawn(
    process.execPath,
    [...inspected, CLI, 'serve', '--config', config, '--port', String(port)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  running.add(child);
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk;
    process.stderr.write(chunk);
  });
  const exited = once(child, 'exit').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (!url) continue;
    child.stdout.resume();
    return {
      url,
      pid: child.pid!,
      exited,
      kill: (signal) => void child.kill(signal),
      complaints: () => complaints,
    };
  }
  throw new Error(`the server ended with ${await exited} before it listened`);
}

/** For afterAll: whatever a failed test has left. */
export async function stopServers(): Promise<void> {
  const ends = [...running].map((child) => once(child, 'exit'));
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(ends);
}
