/**
 * The tables, as a list of migrations: entry n takes a database from version n to n + 1. Entries that were released
 * are never changed.
 */
import type { DatabaseSync } from 'node:sqlite';

const MIGRATIONS = [
  `
  CREATE TABLE records (
    tbl TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL, expires_at INTEGER,
    PRIMARY KEY (tbl, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

  CREATE TABLE record_index (
    tbl TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (tbl, name, value, id),
    FOREIGN KEY (tbl, id) REFERENCES records (tbl, id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX record_index_id ON record_index (tbl, id);

  CREATE TABLE counters (
    subject TEXT NOT NULL, key TEXT NOT NULL, used INTEGER NOT NULL, held INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (subject, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX counters_expiry ON counters (expires_at);

  -- until: the end of an active hold's lease; when the mark of an ended one is forgotten.
  -- body: the hold as JSON, and known: what it has used as JSON; for the sweep.
  CREATE TABLE holds (
    id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('active', 'expired', 'settled')),
    until INTEGER NOT NULL, tokens INTEGER NOT NULL, known TEXT, body TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX holds_until ON holds (state, until);

  CREATE TABLE usage (
    subject TEXT NOT NULL, hour TEXT NOT NULL, gateway TEXT NOT NULL, model TEXT NOT NULL,
    requests INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    errors INTEGER NOT NULL, aborted INTEGER NOT NULL, latency_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, hour, gateway, model)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usage_hour ON usage (hour);
  `,
  `
  -- Holds are few and change all the time; of those that have ended there are a day's, which do not. Apart, and
  -- without indexes, they make a commit write half as many pages.
  CREATE TABLE ended_holds (
    id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('expired', 'settled')),
    -- When it is forgotten.
    until INTEGER NOT NULL, known TEXT
  ) STRICT, WITHOUT ROWID;
  INSERT INTO ended_holds SELECT id, state, until, known FROM holds WHERE state <> 'active';

  CREATE TABLE active_holds (
    id TEXT NOT NULL PRIMARY KEY,
    -- The end of its lease.
    until INTEGER NOT NULL, tokens INTEGER NOT NULL,
    -- JSON, for the sweep: what it is known to have used, and the hold as in hold-text.ts.
    known TEXT, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO active_holds SELECT id, until, tokens, known, json_array(
    body ->> 'subject',
    (SELECT json_group_array(json_array(value ->> 'key', value ->> 'counts' = 'tokens', value ->> 'expiresAt'))
      FROM json_each(body, '$.claims')),
    CASE WHEN body -> 'usage' IS NULL THEN NULL
      ELSE json_array(body ->> '$.usage.gateway', body ->> '$.usage.model', body ->> '$.usage.hour') END
  ) FROM holds WHERE state = 'active';
  DROP TABLE holds;
  `,
];

/**
 * Brings a database to this version's tables, in one transaction.
 * @param to the version, for tests; this one's where absent
 * @throws Error where a newer version of Parallama has written it
 */
export function migrate(db: DatabaseSync, to = MIGRATIONS.length): void {
  // Most of the time there is nothing to do, and no reason to wait for the write lock.
  if (versionOf(db) === to) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec(
      'CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT',
    );
    for (const step of MIGRATIONS.slice(versionOf(db), to)) db.exec(step);
    db.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('schema', ?)").run(to);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(db: DatabaseSync): number {
  if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'").get()) return 0;
  const row = db.prepare("SELECT value FROM meta WHERE name = 'schema'").get() as
    | { value: number }
    | undefined;
  const version = row?.value ?? 0;
  if (version > MIGRATIONS.length) {
    throw new Error(
      `The database was written by a newer Parallama (its schema is version ${version}, ` +
        `this one knows up to ${MIGRATIONS.length}). Use that version, or another database.`,
    );
  }
  return version;
}
