import { constants } from 'node:os';

/** Ctrl-C under `npm start` arrives twice: from the terminal, and handed on by npm. */
const SAME_KEY_PRESS = 300;

/** Resolves at the first SIGINT or SIGTERM. From then on another one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping: { signal: NodeJS.Signals; at: number } | undefined;
    const stop = (signal: NodeJS.Signals) => {
      const at = performance.now();
      if (!stopping) {
        stopping = { signal, at };
        resolve();
        return;
      }
      const echo = signal === 'SIGINT' && stopping.signal === signal && at - stopping.at < SAME_KEY_PRESS;
      if (!echo) process.exit(128 + constants.signals[signal]);
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}
