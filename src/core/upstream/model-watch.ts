/**
 * What one process sees of one model at the upstream: who waits for it, who is being answered, and for how long nothing
 * has come though somebody waits.
 */

import { createCrowd, type Member } from '../crowd.js';
import type { Stop } from '../stop.js';

/** How it ended to unload a model that answered nothing. `held`: somebody else's requests keep it in memory. */
export type Outcome = 'unloaded' | 'held' | 'failed';

/** One sending of a request. Ends with its client, or when it is taken back. */
export interface Attempt extends Member {
  readonly body: string;
  /** Ends this sending alone. */
  readonly stop: Stop;
  /** Its connection was closed and its client was not told: it can be sent again after this, unless that failed. */
  takenBack: Promise<Outcome> | undefined;
  takeBack(healing: Promise<Outcome>): void;
}

export interface ModelWatch {
  /** While its model is being healed nothing is sent. */
  healing: Promise<Outcome> | undefined;
  /** Taken for locked, and not seen to answer since. */
  locked: boolean;
  /** It was unloaded, and has not answered since. */
  healed: boolean;
  sent(attempt: Attempt): void;
  /** It is over without an answer of the model. */
  ended(attempt: Attempt): void;
  /** Its first byte has come. */
  answered(attempt: Attempt): void;
  /** Its answer is over; `aborted` where it was not read to the end. */
  read(aborted: boolean): void;
  /** In the order in which they were sent. */
  waiting(): Attempt[];
  /** Milliseconds without an answer or an end of one, while somebody waits; 0 where nobody does, or one is coming. */
  silence(): number;
  /** The silence is explained, up to so many milliseconds ago. */
  explained(ago?: number): void;
  /** Milliseconds since the model was last at work here, 0 while it is; undefined where it never was. */
  idle(): number | undefined;
  unloaded(): void;
  /** Milliseconds since it answered or was unloaded; infinite where it never did. */
  lively(): number;
  /**
   * Milliseconds since an answer was aborted; undefined where it has answered or was unloaded since. Those who leave
   * while they wait for their turn lock nothing, and do so because the model is slow.
   */
  aborted(): number | undefined;
  /** Nothing is known that would be missed; names that clients make up are such. */
  blank(): boolean;
}

/**
 * @param options.carried at most so many milliseconds of silence count on when those who waited have left and others
 * come: clients with little patience are no sign of life
 */
export function createModelWatch({ carried, now }: { carried: number; now: () => number }): ModelWatch {
  const waiting = createCrowd<Attempt>();
  let answering = 0;
  let silentSince = 0;
  let silentBefore = 0;
  let lastAtWork: number | undefined;
  let livelyAt = Number.NEGATIVE_INFINITY;
  let abortedAt: number | undefined;

  return {
    healing: undefined,
    locked: false,
    healed: false,
    sent(attempt) {
      if (waiting.size === 0) silentSince = now() - silentBefore;
      waiting.enter(attempt);
    },
    ended(attempt) {
      if (waiting.leave(attempt) && waiting.size === 0) {
        silentBefore = answering > 0 ? 0 : Math.min(carried, now() - silentSince);
      }
    },
    answered(attempt) {
      waiting.leave(attempt);
      answering += 1;
      silentBefore = 0;
      livelyAt = now();
      abortedAt = undefined;
      this.locked = false;
      this.healed = false;
    },
    read(aborted) {
      answering -= 1;
      silentSince = now();
      lastAtWork = silentSince;
      if (aborted) abortedAt = now();
    },
    waiting: waiting.all,
    silence: () => (answering > 0 || waiting.size === 0 ? 0 : now() - silentSince),
    explained(ago = 0) {
      silentSince = Math.max(silentSince, now() - ago);
      silentBefore = 0;
    },
    idle: () => (answering > 0 ? 0 : lastAtWork === undefined ? undefined : now() - lastAtWork),
    unloaded() {
      livelyAt = now();
      abortedAt = undefined;
      this.locked = false;
      this.healed = true;
    },
    lively: () => now() - livelyAt,
    aborted: () => (abortedAt === undefined ? undefined : now() - abortedAt),
    blank() {
      const idle = waiting.size === 0 && answering === 0 && !this.healing;
      return idle && lastAtWork === undefined && silentBefore < 1_000;
    },
  };
}
