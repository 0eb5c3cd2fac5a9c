/**
 * The metrics of all workers, for whichever of them is scraped. Counters of a worker that has ended stay in the sum:
 * Prometheus would take one that falls for a restart of everything, and count it all again.
 */
import { type MetricsSnapshot, mergeSnapshots } from '../../core/observe/metrics.js';

export interface SharedMetrics {
  /** Asks each worker, and takes what it said last where it does not answer in time. */
  gather(workers: number[]): Promise<MetricsSnapshot[]>;
  /** A worker has answered. */
  reported(worker: number, id: number, snapshot: MetricsSnapshot): void;
  /** A worker has ended; `last` where it said goodbye. */
  ended(worker: number): Promise<void>;
  last(worker: number, snapshot: MetricsSnapshot): void;
}

/** Milliseconds; a scrape has some ten seconds. */
const PATIENCE = 4_000;

/** @param ask sends a worker the question for its metrics */
export function createSharedMetrics(ask: (worker: number, id: number) => void): SharedMetrics {
  const known = new Map<number, MetricsSnapshot>();
  const waiting = new Map<string, () => void>();
  let gone: MetricsSnapshot | undefined;
  let asked = 0;

  function answerOf(worker: number): Promise<void> {
    asked += 1;
    const id = asked;
    const key = `${worker}:${id}`;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waiting.delete(key);
        resolve();
      };
      const timer = setTimeout(done, PATIENCE);
      waiting.set(key, done);
      ask(worker, id);
    });
  }

  return {
    async gather(workers) {
      await Promise.all(workers.map(answerOf));
      return [...known.values(), ...(gone ? [gone] : [])];
    },
    reported(worker, id, snapshot) {
      known.set(worker, snapshot);
      waiting.get(`${worker}:${id}`)?.();
    },
    last: (worker, snapshot) => void known.set(worker, snapshot),
    async ended(worker) {
      const snapshot = known.get(worker);
      known.delete(worker);
      for (const [key, done] of waiting) if (key.startsWith(`${worker}:`)) done();
      if (snapshot) gone = await mergeSnapshots(gone ? [gone, snapshot] : [snapshot]);
    },
  };
}
