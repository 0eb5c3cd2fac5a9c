/**
 * Walking over the rows of a table page by page, so that a million of them fit into memory.
 */
import type { ListQuery, Records, Row, Table } from '../store/port.js';

const PAGE = 200;

/** Rows in the order of their ids. Rows made or deleted meanwhile may or may not be seen. */
export async function* allRows<T>(
  store: Records,
  table: Table,
  where?: ListQuery['where'],
): AsyncIterable<Row<T>> {
  let after: string | undefined;
  for (;;) {
    const page = await store.list<T>(table, { where, after, limit: PAGE });
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id;
  }
}

/**
 * Deletes the rows of a user from a table whose index `user` is the user's id.
 * @returns how many there were
 */
export async function deleteRowsOf(
  store: Records,
  table: 'keys' | 'sessions',
  userId: string,
): Promise<number> {
  let count = 0;
  for await (const row of allRows(store, table, { index: 'user', equals: userId })) {
    if (await store.delete(table, row.id)) count += 1;
  }
  return count;
}
