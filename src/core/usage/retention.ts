/** Forgets usage that is older than it is to be kept: a little at a time, now and then. */
import type { History } from '../store/port.js';

export interface Retention {
  close(): Promise<void>;
}

/** Milliseconds. Any process may do it; that several do it does no harm. */
const LOOK_EVERY = 3_600_000;
const PAUSE = 50;
const DAY = 86_400_000;

/** Forgets what is older than `days` days, at start and every hour. */
export function startRetention({
  store,
  days,
  onTrouble,
  now = Date.now,
}: {
  store: Pick<History, 'forgetUsage'>;
  days: number;
  onTrouble(error: unknown): void;
  now?: () => number;
}): Retention {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function forget(): Promise<void> {
    const before = new Date(now() - days * DAY).toISOString().slice(0, 10);
    const more = await store.forgetUsage(before);
    schedule(more ? PAUSE : LOOK_EVERY);
  }

  function schedule(delay: number): void {
    if (closed) return;
    timer = setTimeout(() => {
      running = forget().catch((error: unknown) => {
        onTrouble(error);
        schedule(LOOK_EVERY);
      });
    }, delay);
    timer.unref();
  }

  schedule(PAUSE);
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
