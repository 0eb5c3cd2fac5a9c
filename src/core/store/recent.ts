/**
 * Reads remembered for a moment, so that a busy user does not cost a store read with every request.
 *
 * The age of a read is counted from its START: what it returns may have been true only then. The running read itself
 * is what is remembered, so that one that was slow cannot write its old value over a newer one when it ends.
 */
import { LRUCache } from 'lru-cache';

/** What `read` gives, or what it gave under this key as of `since` or later, on the clock that was given. */
export type Recent = <T>(key: string, since: number, read: () => Promise<T>) => Promise<T>;

interface Read {
  startedAt: number;
  value: Promise<unknown>;
}

/** Some kilobytes each at most. */
const REMEMBERED = 10_000;

/** @param now milliseconds on a clock that never goes back */
export function createRecent(now: () => number): Recent {
  const reads = new LRUCache<string, Read>({ max: REMEMBERED });

  function start<T>(key: string, read: () => Promise<T>): Read {
    const started: Read = { startedAt: now(), value: read() };
    reads.set(key, started);
    started.value.catch(() => {
      if (reads.peek(key) === started) reads.delete(key);
    });
    return started;
  }

  return <T>(key: string, since: number, read: () => Promise<T>) => {
    const known = reads.get(key);
    const found = known && known.startedAt >= since ? known : start(key, read);
    return found.value as Promise<T>;
  };
}
