/**
 * How the clock of a server runs against ours, so that a command can say until when it may be carried out.
 */
import { LRUCache } from 'lru-cache';

export interface ServerClock {
  /** The server's time at `at`, which is one of `performance.now()`; 0, long ago, where nothing is known of it. */
  timeAt(place: string, at: number): number;
  /** Told of the server's time by a reply that has just come. */
  learn(place: string, time: number): void;
}

/** Milliseconds after which a clock is looked at again: somebody may have set it. */
const TRUST = 60_000;
/** Places remembered: in a cluster each user is one. */
export const REMEMBERED = 10_000;

/** Of a server, or of the nodes of a cluster by what they hold. */
export function serverClock(): ServerClock {
  const offsets = new LRUCache<string, { offset: number; learned: number }>({ max: REMEMBERED });
  return {
    timeAt(place, at) {
      const entry = offsets.get(place);
      return entry && at - entry.learned < TRUST ? at + entry.offset : 0;
    },
    learn(place, time) {
      // The time was read before the reply was on its way: what is taken for now lies a little behind, never ahead.
      const learned = performance.now();
      offsets.set(place, { offset: time - learned, learned });
    },
  };
}
