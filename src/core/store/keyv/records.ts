/** Records: a document for each row; lists of ids in place of indexes. */
import type { Dump, ListQuery, Records, Row, Table, WriteOptions } from '../port.js';
import type { Directories } from './directory.js';
import type { Documents, Name, Turn } from './documents.js';
import { hourOf } from './hours.js';

export interface StoredRow {
  version: number;
  value: unknown;
  index: Record<string, string>;
  expiresAt?: number;
}

/** Rows looked at in one go. */
const BATCH = 100;

export const rowName = (table: string, id: string): Name => ['record', table, id];
/** Rows by the hour in which they expire, for the sweep. */
export const expiryList = (hour: number): Name => ['expiry', String(hour)];

export function isAlive(row: StoredRow | undefined, now: number): boolean {
  return row !== undefined && (row.expiresAt === undefined || row.expiresAt > now);
}

/** The lists that have a row of these fields. */
export function listsOf(table: string, index: Record<string, string>): Name[] {
  return [['ids', table], ...Object.entries(index).map(([name, value]) => ['ids', table, name, value])];
}

export function records(docs: Documents, lists: Directories, now: () => number): Records & Dump {
  const read = async (turn: Turn, table: Table, id: string): Promise<StoredRow | undefined> => {
    const row = await turn.get<StoredRow>(rowName(table, id));
    return isAlive(row, now()) ? row : undefined;
  };
  const alone = <T>(table: Table, id: string, work: (turn: Turn) => Promise<T>): Promise<T> =>
    docs.run((turn) => turn.lock(rowName(table, id), () => work(turn)));

  /** The lists first: a row that no list has would never be found. */
  const write = async (turn: Turn, table: Table, id: string, row: StoredRow): Promise<void> => {
    await Promise.all(listsOf(table, row.index).map((list) => lists.add(turn, list, id)));
    if (row.expiresAt !== undefined) {
      await lists.add(turn, expiryList(hourOf(row.expiresAt)), JSON.stringify([table, id]));
    }
    await turn.set(rowName(table, id), row);
  };
  const forget = (turn: Turn, id: string, stale: Name[]): Promise<unknown> =>
    Promise.all(stale.map((list) => lists.remove(turn, list, id)));

  const remove = (table: Table, id: string, version?: number): Promise<StoredRow | undefined> =>
    alone(table, id, async (turn) => {
      const row = await read(turn, table, id);
      if (!row || (version !== undefined && row.version !== version)) return undefined;
      await turn.delete(rowName(table, id));
      await forget(turn, id, listsOf(table, row.index));
      return row;
    });

  const getMany = <T>(table: Table, ids: string[]): Promise<(Row<T> | undefined)[]> =>
    docs.run(async (turn) => {
      const rows = await Promise.all(ids.map((id) => read(turn, table, id)));
      return rows.map((row, at) => row && rowOf<T>(ids[at]!, row));
    });

  const find = (table: Table, { where, after = '', limit }: ListQuery): Promise<[string, StoredRow][]> =>
    docs.run(async (turn) => {
      const list = where ? ['ids', table, where.index, where.equals] : ['ids', table];
      const ids = (await lists.read(turn, list)).filter((id) => id > after);
      const found: [string, StoredRow][] = [];
      for (let at = 0; at < ids.length && found.length < limit; at += BATCH) {
        const batch = ids.slice(at, at + BATCH);
        const rows = await Promise.all(batch.map((id) => read(turn, table, id)));
        for (const [place, row] of rows.entries()) {
          const fits = row && (!where || row.index[where.index] === where.equals);
          if (fits && found.length < limit) found.push([batch[place]!, row]);
        }
      }
      return found;
    });

  return {
    getMany,

    get: async <T>(table: Table, id: string) => (await getMany<T>(table, [id]))[0],

    create: (table, id, value, { index = {}, expiresAt }: WriteOptions = {}) =>
      alone(table, id, async (turn) => {
        const old = await turn.get<StoredRow>(rowName(table, id));
        if (isAlive(old, now())) return false;
        await write(turn, table, id, { version: 1, value: value ?? null, index, expiresAt });
        if (old) await forget(turn, id, without(listsOf(table, old.index), listsOf(table, index)));
        return true;
      }),

    update: (table, id, version, value, { index, expiresAt }: WriteOptions = {}) =>
      alone(table, id, async (turn) => {
        const old = await read(turn, table, id);
        if (old?.version !== version) return false;
        const row: StoredRow = {
          version: version + 1,
          value: value ?? null,
          index: index ?? old.index,
          expiresAt: expiresAt ?? old.expiresAt,
        };
        await write(turn, table, id, row);
        await forget(turn, id, without(listsOf(table, old.index), listsOf(table, row.index)));
        return true;
      }),

    take: async <T>(table: Table, id: string) => {
      const row = await remove(table, id);
      return row && rowOf<T>(id, row);
    },

    delete: async (table, id, version) => (await remove(table, id, version)) !== undefined,

    list: async <T>(table: Table, query: ListQuery) =>
      (await find(table, query)).map(([id, row]) => rowOf<T>(id, row)),

    dump: async (table, page) =>
      (await find(table, page)).map(([id, row]) => ({
        ...rowOf<unknown>(id, row),
        index: row.index,
        expiresAt: row.expiresAt,
      })),
  };
}

function rowOf<T>(id: string, { value, version }: StoredRow): Row<T> {
  return { id, value: value as T, version };
}

function without(names: Name[], others: Name[]): Name[] {
  const kept = new Set(others.map((name) => JSON.stringify(name)));
  return names.filter((name) => !kept.has(JSON.stringify(name)));
}
