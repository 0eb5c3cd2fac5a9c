/** What stands in for Ollama, as a process that can be killed and frozen. Needs the build. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { freePort } from '../support/services/port.js';

export interface UpstreamProcess {
  port: number;
  kill(): Promise<void>;
  /** After a kill, on the same port. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

const PROGRAM = resolve(import.meta.dirname, 'fixtures/upstream.mjs');

/** @param pace milliseconds between tokens */
export async function startUpstream(pace: number): Promise<UpstreamProcess> {
  const port = await freePort();
  const start = async (): Promise<ChildProcess> => {
    const started = fork(PROGRAM, [String(port), String(pace)]);
    await once(started, 'message');
    return started;
  };
  let child = await start();

  return {
    port,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    async restart() {
      child = await start();
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}
