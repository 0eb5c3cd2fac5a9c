/** Rows of the store, remembered for a moment. */
import type { Records, Row, Table } from '../store/port.js';
import { createRecent } from '../store/recent.js';

export interface Reads {
  /** A row as of `since` or later, on the clock that was given. */
  get<T>(table: Table, id: string, since: number): Promise<Row<T> | undefined>;
}

export function createReads({ store, now }: { store: Pick<Records, 'get'>; now: () => number }): Reads {
  const recent = createRecent(now);
  return {
    get: (table, id, since) => recent(`${table}:${id}`, since, () => store.get(table, id)),
  };
}
