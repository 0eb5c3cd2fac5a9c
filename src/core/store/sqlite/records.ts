/**
 * Records: JSON values with a version, an expiry and fields to search by.
 */
import type { Dump, ListQuery, Records, Row, Table, WriteOptions } from '../port.js';
import type { Connection } from './connection.js';
import type { Sql } from './statements.js';

interface StoredRow {
  id: string;
  version: number;
  value: string;
}

interface DumpedRow extends StoredRow {
  expiresAt: number | null;
  /** JSON. */
  fields: string;
}

const ALIVE = '(expires_at IS NULL OR expires_at > ?)';
const GET = `SELECT id, version, value FROM records WHERE tbl = ? AND id = ? AND ${ALIVE}`;
const FORGET_EXPIRED = 'DELETE FROM records WHERE tbl = ? AND id = ? AND expires_at <= ?';
const CREATE = `INSERT INTO records (tbl, id, version, value, expires_at) VALUES (?, ?, 1, ?, ?)
  ON CONFLICT DO NOTHING`;
const UPDATE = `UPDATE records SET version = version + 1, value = ?, expires_at = coalesce(?, expires_at)
  WHERE tbl = ? AND id = ? AND version = ? AND ${ALIVE}`;
const TAKE = `DELETE FROM records WHERE tbl = ? AND id = ? AND ${ALIVE} RETURNING id, version, value`;
const DELETE = `DELETE FROM records WHERE tbl = ? AND id = ? AND version = coalesce(?, version) AND ${ALIVE}`;
const DELETE_INDEX = 'DELETE FROM record_index WHERE tbl = ? AND id = ?';
const ADD_INDEX = 'INSERT INTO record_index (tbl, id, name, value) VALUES (?, ?, ?, ?)';
// SQLite orders text by the code units of UTF-8.
const LIST = `SELECT id, version, value FROM records WHERE tbl = ? AND id > ? AND ${ALIVE} ORDER BY id LIMIT ?`;
const SEARCH = `SELECT r.id, r.version, r.value
  FROM record_index i JOIN records r ON r.tbl = i.tbl AND r.id = i.id
  WHERE i.tbl = ? AND i.name = ? AND i.value = ? AND i.id > ? AND ${ALIVE} ORDER BY i.id LIMIT ?`;
const DUMP = `SELECT r.id, r.version, r.value, r.expires_at AS expiresAt,
  (SELECT json_group_object(i.name, i.value) FROM record_index i WHERE i.tbl = r.tbl AND i.id = r.id) AS fields
  FROM records r WHERE r.tbl = ? AND r.id > ? AND ${ALIVE} ORDER BY r.id LIMIT ?`;

export function records(connection: Connection, now: () => number): Records & Dump {
  return {
    get: <T>(table: Table, id: string) => connection.read((sql) => read<T>(sql, table, id, now())),

    getMany: <T>(table: Table, ids: string[]) =>
      connection.read((sql) => {
        const at = now();
        return ids.map((id) => read<T>(sql, table, id, at));
      }),

    create: (table, id, value, { index = {}, expiresAt }: WriteOptions = {}) =>
      connection.write((sql) => {
        sql(FORGET_EXPIRED).run(table, id, now());
        const { changes } = sql(CREATE).run(table, id, toJson(value), expiresAt ?? null);
        if (changes === 0) return false;
        addIndex(sql, table, id, index);
        return true;
      }),

    update: (table, id, version, value, { index, expiresAt }: WriteOptions = {}) =>
      connection.write((sql) => {
        const { changes } = sql(UPDATE).run(toJson(value), expiresAt ?? null, table, id, version, now());
        if (changes === 0) return false;
        if (index) {
          sql(DELETE_INDEX).run(table, id);
          addIndex(sql, table, id, index);
        }
        return true;
      }),

    take: <T>(table: Table, id: string) =>
      connection.write((sql) => toRow<T>(sql(TAKE).get(table, id, now()) as StoredRow | undefined)),

    delete: (table, id, version) =>
      connection.write((sql) => sql(DELETE).run(table, id, version ?? null, now()).changes !== 0),

    list: <T>(table: Table, { where, after = '', limit }: ListQuery) =>
      connection.read((sql) => {
        const rows = where
          ? sql(SEARCH).all(table, where.index, where.equals, after, now(), limit)
          : sql(LIST).all(table, after, now(), limit);
        return (rows as unknown as StoredRow[]).map((row) => parsed<T>(row));
      }),

    dump: (table, { after = '', limit }) =>
      connection.read((sql) => {
        const rows = sql(DUMP).all(table, after, now(), limit) as unknown as DumpedRow[];
        return rows.map((row) => ({
          ...parsed(row),
          index: JSON.parse(row.fields) as Record<string, string>,
          expiresAt: row.expiresAt ?? undefined,
        }));
      }),
  };
}

function read<T>(sql: Sql, table: Table, id: string, at: number): Row<T> | undefined {
  return toRow<T>(sql(GET).get(table, id, at) as StoredRow | undefined);
}

function addIndex(sql: Sql, table: Table, id: string, index: Record<string, string>): void {
  for (const [name, value] of Object.entries(index)) sql(ADD_INDEX).run(table, id, name, value);
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
