/** Processes of the benchmark: each says where it is, and none outlives the run. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { treeOf } from './usage.mjs';

const PATIENCE = 60_000;
const running = new Set();

function remember(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/**
 * One of our own: a file of `bench/` that calls `ready`.
 * @returns what it says first, its pid, and ways to tell it something and to ask what is alive in its heap
 */
export async function startOwn(file, env = {}) {
  const child = remember(
    fork(fileURLToPath(new URL(`../${file}`, import.meta.url)), {
      env: { ...process.env, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${file} ended with ${code}`);
    }),
  ]);
  return {
    ...message,
    pid: child.pid,
    tell: (words) => child.send(words),
    /** Megabytes (10^6 bytes). */
    async alive() {
      child.send({ count: true });
      const [{ alive }] = await once(child, 'message');
      return alive / 1e6;
    },
  };
}

/** Somebody else's, which serves on `url` when it is ready. */
export async function startForeign(command, args, { url, ...options }) {
  const child = remember(spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options }));
  let failure;
  child.once('error', (error) => {
    failure = error;
  });
  child.once('exit', (code) => {
    failure ??= new Error(`${command} ended with ${code}`);
  });
  const end = performance.now() + PATIENCE;
  for (;;) {
    if (failure) throw failure;
    const answered = await fetch(url).then(
      (answer) => answer.arrayBuffer().then(() => true),
      () => false,
    );
    if (answered) return { url, pid: child.pid };
    if (performance.now() > end) throw new Error(`${command} does not answer on ${url}`);
    await sleep(50);
  }
}

/** Kills all that run, with what they have started. */
export function stopAll() {
  for (const { pid } of running) {
    for (const each of treeOf(pid)) {
      try {
        process.kill(each, 'SIGKILL');
      } catch {
        // Ended with its parent.
      }
    }
  }
}
