/**
 * The tables and functions, as a list of migrations: entry n takes a schema from version n to n + 1. Entries that were
 * released are never changed.
 */
import type { ClientBase, QueryConfig } from 'pg';
import { Unusable } from './failures.js';
import { QUOTA_FUNCTIONS } from './quota-functions.js';
import { RECORD_FUNCTIONS } from './record-functions.js';
import { RUN_FUNCTION } from './run-function.js';
import { SWEEP_FUNCTION } from './sweep-function.js';
import { HOLDS_APART, TABLES } from './tables.js';

// Functions are no data: of those that a later version drops, the first has been forgotten here.
const MIGRATIONS = [
  TABLES + RECORD_FUNCTIONS,
  HOLDS_APART + QUOTA_FUNCTIONS,
  // A hold may take several requests. Gateways of the version before call them by the same names and arguments.
  `DROP FUNCTION IF EXISTS carry_out; DROP FUNCTION IF EXISTS sweep;${RUN_FUNCTION}${SWEEP_FUNCTION}`,
];

/** Milliseconds for one step, which may have to rewrite a table; longer than any call waits. */
const PATIENCE = 60_000;

/**
 * Brings the schema that the connection has as its search path to this version, in one transaction.
 * @throws Unusable where a newer version of Parallama has written it
 */
export async function migrate(client: ClientBase, schema: string): Promise<void> {
  // Most of the time there is nothing to do, and no reason to wait for the lock.
  if ((await versionOf(client, schema)) === MIGRATIONS.length) return;
  await run(client, `BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0`);
  await run(client, `SELECT pg_advisory_xact_lock(hashtext('parallama.${schema}'))`);
  const version = await versionOf(client, schema);
  if (version === undefined) {
    // Where it is there, nobody needs the right to make it.
    await run(client, `CREATE SCHEMA ${schema}`);
  }
  await run(
    client,
    'CREATE TABLE IF NOT EXISTS meta (name text NOT NULL PRIMARY KEY, value bigint NOT NULL)',
  );
  for (const step of MIGRATIONS.slice(version ?? 0)) await run(client, step);
  await run(
    client,
    `INSERT INTO meta (name, value) VALUES ('schema', ${MIGRATIONS.length})
    ON CONFLICT (name) DO UPDATE SET value = excluded.value; COMMIT`,
  );
}

/** undefined where there is no such schema, 0 where it is empty. */
async function versionOf(client: ClientBase, schema: string): Promise<number | undefined> {
  const there = await client.query<{ schema: boolean; meta: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS schema,
      EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'meta') AS meta`,
    [schema],
  );
  if (!there.rows[0]?.schema) return undefined;
  if (!there.rows[0].meta) return 0;
  const { rows } = await client.query<{ value: number }>(
    "SELECT value::float8 AS value FROM meta WHERE name = 'schema'",
  );
  const version = rows[0]?.value ?? 0;
  if (version > MIGRATIONS.length) {
    throw new Unusable(
      `The database was written by a newer Parallama (its schema is version ${version}, ` +
        `this one knows up to ${MIGRATIONS.length}). Use that version, or another database.`,
    );
  }
  return version;
}

async function run(client: ClientBase, text: string): Promise<void> {
  // node-postgres takes it from a query, too, though its types do not say so.
  const query: QueryConfig & { query_timeout: number } = { text, query_timeout: PATIENCE };
  await client.query(query);
}
