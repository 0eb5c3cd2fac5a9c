/**
 * Rows remembered for a moment, so that a busy user does not cost a store read with every request.
 *
 * The age of a read is counted from its START: what it returns may have been true only then. The running read itself
 * is what is remembered, so that one that was slow cannot write its old row over a newer one when it ends.
 */
import { LRUCache } from 'lru-cache';
import type { Records, Row, Table } from '../store/port.js';

export interface Reads {
  /** A row as of `since` or later, on the clock that was given. */
  get<T>(table: Table, id: string, since: number): Promise<Row<T> | undefined>;
}

interface Read {
  startedAt: number;
  row: Promise<Row<unknown> | undefined>;
}

/** Some kilobytes each at most. */
const REMEMBERED = 10_000;

export function createReads({ store, now }: { store: Pick<Records, 'get'>; now: () => number }): Reads {
  const reads = new LRUCache<string, Read>({ max: REMEMBERED });

  function start(table: Table, id: string, key: string): Read {
    const read: Read = { startedAt: now(), row: store.get<unknown>(table, id) };
    reads.set(key, read);
    read.row.catch(() => {
      if (reads.peek(key) === read) reads.delete(key);
    });
    return read;
  }

  return {
    get<T>(table: Table, id: string, since: number) {
      const key = `${table}:${id}`;
      const known = reads.get(key);
      const read = known && known.startedAt >= since ? known : start(table, id, key);
      return read.row as Promise<Row<T> | undefined>;
    },
  };
}
