/**
 * Tells those who work on a request that it is to end. What an AbortController says to everybody else, at a fraction of
 * its cost: each request has some.
 */
export interface Stop {
  readonly said: boolean;
  /** Says it; only the first time counts. */
  say(): void;
  /** Calls `listener` when it is said; at once where it was. */
  on(listener: () => void): void;
  off(listener: () => void): void;
}

export function createStop(): Stop {
  let listeners: (() => void)[] = [];
  const stop = {
    said: false,
    say() {
      if (stop.said) return;
      stop.said = true;
      const told = listeners;
      listeners = [];
      for (const listener of told) listener();
    },
    on(listener: () => void) {
      if (stop.said) listener();
      else listeners.push(listener);
    },
    off(listener: () => void) {
      const at = listeners.indexOf(listener);
      if (at !== -1) listeners.splice(at, 1);
    },
  };
  return stop;
}
