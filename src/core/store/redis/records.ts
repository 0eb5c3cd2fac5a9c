/** Records: a table is a hash with an index and a list of expiries, all on one node of a cluster. */
import type { Dump, ListQuery, Records, Row, Table, WholeRow, WriteOptions } from '../port.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { CREATE, LIST, READ, REMOVE, UPDATE } from './record-scripts.js';

/** The field that every row has. */
const ANY = '[]';

export function records(connection: Connection, keys: Keys): Records & Dump {
  const read = async <T>(table: Table, ids: string[]): Promise<(Row<T> | undefined)[]> => {
    const texts = (await connection.run(READ, keys.table(table), ids)) as (string | null)[];
    return texts.map((text, at) => rowOf<T>(ids[at]!, text));
  };
  const remove = async (table: Table, id: string, version: number | undefined) => {
    return (await connection.run(REMOVE, keys.table(table), [id, version ?? ''])) as string | null;
  };
  /** Ids with their texts. */
  const find = async (table: Table, field: string, after: string, limit: number) => {
    const found = (await connection.run(LIST, keys.table(table), [field, after, limit])) as string[];
    return Array.from({ length: found.length / 2 }, (_, at): [string, string] => {
      return [found[2 * at]!, found[2 * at + 1]!];
    });
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
      return (await find(table, field, after, limit)).map(([id, text]) => rowOf<T>(id, text)!);
    },

    dump: async (table, { after = '', limit }) =>
      (await find(table, ANY, after, limit)).map(([id, text]) => wholeRowOf(id, text)),
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

function wholeRowOf(id: string, text: string): WholeRow {
  const [, expires = '', fields = '[]'] = /^\d+ (\d*) ([^\n]*)\n/.exec(text) ?? [];
  const index = (JSON.parse(fields) as string[]).map((field) => JSON.parse(field) as [string, string]);
  return {
    ...rowOf<unknown>(id, text)!,
    index: Object.fromEntries(index),
    expiresAt: expires === '' ? undefined : Number(expires),
  };
}

function toJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}
