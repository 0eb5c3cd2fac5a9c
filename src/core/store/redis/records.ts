/** Records: a table is a hash with an index and a list of expiries, all on one node of a cluster. */
import type { ListQuery, Records, Row, Table, WriteOptions } from '../port.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { CREATE, LIST, READ, REMOVE, UPDATE } from './record-scripts.js';

/** The field that every row has. */
const ANY = '[]';

export function records(connection: Connection, keys: Keys): Records {
  const read = async <T>(table: Table, ids: string[]): Promise<(Row<T> | undefined)[]> => {
    const texts = (await connection.run(READ, keys.table(table), ids)) as (string | null)[];
    return texts.map((text, at) => rowOf<T>(ids[at]!, text));
  };
  const remove = async (table: Table, id: string, version: number | undefined) => {
    return (await connection.run(REMOVE, keys.table(table), [id, version ?? ''])) as string | null;
  };

  return {
    get: async <T>(table: Table, id: string) => (await read<T>(table, [id]))[0],

    getMany: async <T>(table: Table, ids: string[]) => (ids.length === 0 ? [] : read<T>(table, ids)),

    async create(table, id, value, { index = {}, expiresAt }: WriteOptions = {}) {
      const args = [id, toJson(value), fieldsOf(index), expiresAt ?? ''];
      return (await connection.run(CREATE, keys.table(table), args)) === 1;
    },

    async update(table, id, version, value, { index, expiresAt }: WriteOptions = {}) {
      const args = [id, version, toJson(value), index ? fieldsOf(index) : '', expiresAt ?? ''];
      return (await connection.run(UPDATE, keys.table(table), args)) === 1;
    },

    take: async <T>(table: Table, id: string) => rowOf<T>(id, await remove(table, id, undefined)),

    delete: async (table, id, version) => (await remove(table, id, version)) !== null,

    async list<T>(table: Table, { where, after = '', limit }: ListQuery) {
      const field = where ? JSON.stringify([where.index, where.equals]) : ANY;
      const found = (await connection.run(LIST, keys.table(table), [field, after, limit])) as string[];
      const rows: Row<T>[] = [];
      for (let at = 0; at < found.length; at += 2) rows.push(rowOf<T>(found[at]!, found[at + 1]!)!);
      return rows;
    },
  };
}

/** JSON, because no text can then run over into the next part of an entry of the index. */
function fieldsOf(index: Record<string, string>): string {
  return JSON.stringify(Object.entries(index).map((field) => JSON.stringify(field)));
}

function rowOf<T>(id: string, text: string | null): Row<T> | undefined {
  if (text === null) return undefined;
  const value = JSON.parse(text.slice(text.indexOf('\n') + 1)) as T;
  return { id, value, version: Number.parseInt(text, 10) };
}

function toJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}
