/**
 * Records: JSON values with a version, an expiry and fields to search by.
 */
import type { Dump, ListQuery, Records, Row, Table, WriteOptions } from '../port.js';
import type { Connection } from './connection.js';

interface StoredRow {
  id: string;
  version: number;
  value: string;
}

// One by one through the index, whatever the planner makes of the table: hence LATERAL with a limit.
interface DumpedRow extends StoredRow {
  expiresAt: number | null;
  /** JSON. */
  fields: string;
}

const GET_MANY = `SELECT wanted.at::integer, r.id, r.version, r.value
  FROM unnest($2::text[]) WITH ORDINALITY AS wanted(id, at)
  JOIN LATERAL (SELECT * FROM records WHERE tbl = $1 AND id = wanted.id LIMIT 1) r
  ON r.expires_at IS NULL OR r.expires_at > now_ms($3)`;
const CREATE = 'SELECT create_record($1, $2, $3, $4, $5, $6, $7, $8) AS done';
const UPDATE = 'SELECT update_record($1, $2, $3, $4, $5, $6, $7, $8, $9) AS done';
const DELETE = `DELETE FROM records WHERE tbl = $3 AND id = $4 AND version = coalesce($5, version)
  AND (expires_at IS NULL OR expires_at > now_ms($2)) RETURNING id, version, value, in_time($1)`;
const LIST = `SELECT id, version, value FROM records
  WHERE tbl = $1 AND id > $2 AND (expires_at IS NULL OR expires_at > now_ms($4)) ORDER BY id LIMIT $3`;
const SEARCH = `SELECT r.id, r.version, r.value
  FROM record_index i JOIN records r ON r.tbl = i.tbl AND r.id = i.id
  WHERE i.tbl = $1 AND i.id > $2 AND i.name = $5 AND i.value = $6
  AND (r.expires_at IS NULL OR r.expires_at > now_ms($4)) ORDER BY i.id LIMIT $3`;
const DUMP = `SELECT r.id, r.version, r.value, r.expires_at::float8 AS "expiresAt",
  (SELECT coalesce(json_object_agg(i.name, i.value)::text, '{}') FROM record_index i
    WHERE i.tbl = r.tbl AND i.id = r.id) AS fields
  FROM records r WHERE r.tbl = $1 AND r.id > $2 AND (r.expires_at IS NULL OR r.expires_at > now_ms($4))
  ORDER BY r.id LIMIT $3`;

/** @param now milliseconds since 1970; null for the server's clock */
export function records({ query, write }: Connection, now: () => number | null): Records & Dump {
  const getMany = async <T>(table: Table, ids: string[]): Promise<(Row<T> | undefined)[]> => {
    const rows = await query<StoredRow & { at: number }>(GET_MANY, [table, ids, now()]);
    const found = new Map(rows.map((row) => [row.at - 1, row]));
    return ids.map((_, at) => toRow<T>(found.get(at)));
  };
  const remove = (table: Table, id: string, version?: number): Promise<StoredRow[]> => {
    return write<StoredRow>(DELETE, [now(), table, id, version]);
  };

  return {
    getMany,

    get: async <T>(table: Table, id: string) => (await getMany<T>(table, [id]))[0],

    async create(table, id, value, { index = {}, expiresAt }: WriteOptions = {}) {
      const fields = [Object.keys(index), Object.values(index)];
      const values = [now(), table, id, toJson(value), expiresAt, ...fields];
      const [row] = await write<{ done: boolean }>(CREATE, values);
      return row!.done;
    },

    async update(table, id, version, value, { index, expiresAt }: WriteOptions = {}) {
      const fields = index ? [Object.keys(index), Object.values(index)] : [null, null];
      const values = [now(), table, id, version, toJson(value), expiresAt, ...fields];
      const [row] = await write<{ done: boolean }>(UPDATE, values);
      return row!.done;
    },

    take: async <T>(table: Table, id: string) => toRow<T>((await remove(table, id))[0]),

    delete: async (table, id, version) => (await remove(table, id, version)).length !== 0,

    async list<T>(table: Table, { where, after = '', limit }: ListQuery) {
      const page = [table, after, limit, now()];
      const rows = where
        ? await query<StoredRow>(SEARCH, [...page, where.index, where.equals])
        : await query<StoredRow>(LIST, page);
      return rows.map((row) => parsed<T>(row));
    },

    async dump(table, { after = '', limit }) {
      const rows = await query<DumpedRow>(DUMP, [table, after, limit, now()]);
      return rows.map((row) => ({
        ...parsed(row),
        index: JSON.parse(row.fields) as Record<string, string>,
        expiresAt: row.expiresAt ?? undefined,
      }));
    },
  };
}

function toRow<T>(row: StoredRow | undefined): Row<T> | undefined {
  return row && parsed<T>(row);
}

function parsed<T>({ id, version, value }: StoredRow): Row<T> {
  return { id, value: JSON.parse(value) as T, version };
}

function toJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}
