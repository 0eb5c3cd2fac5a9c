/**
 * One timer for all calls: one of its own for each of them, and of the promises around it, would cost as much as the
 * rest that a call does here.
 */
export interface Deadlines {
  /** @param end on the clock of `performance.now()` */
  enter(end: number): void;
  leave(): void;
  /** Resolves once all that have entered have left. */
  whenIdle(): Promise<void>;
}

interface Open {
  end: number;
  over: boolean;
}

/**
 * @param all whoever may be open
 * @param give is told of each whose time is up, and lets it leave
 */
export function createDeadlines<T extends Open>(all: () => T[], give: (one: T) => void): Deadlines {
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  let next = Number.POSITIVE_INFINITY;
  let idle: (() => void) | undefined;

  function stop(): void {
    clearTimeout(timer);
    next = Number.POSITIVE_INFINITY;
  }

  function wake(end: number): void {
    if (end >= next) return;
    clearTimeout(timer);
    next = end;
    timer = setTimeout(ring, Math.max(0, end - performance.now()));
  }

  function ring(): void {
    stop();
    const now = performance.now();
    for (const one of all()) {
      if (one.over) continue;
      if (one.end <= now) give(one);
      else wake(one.end);
    }
  }

  return {
    enter(end) {
      count += 1;
      wake(end);
    },
    leave() {
      count -= 1;
      if (count > 0) return;
      stop();
      idle?.();
    },
    whenIdle() {
      if (count === 0) return Promise.resolve();
      return new Promise((resolve) => {
        idle = resolve;
      });
    },
  };
}
