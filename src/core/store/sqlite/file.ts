/**
 * Opening the database file, ready to be shared with other processes.
 */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../port.js';
import { journalMode, sqliteLibrary } from './library.js';
import { migrate } from './schema.js';

/** SQLite's name for a database without a file. */
export const IN_MEMORY = ':memory:';

/** SQLite waits by blocking the event loop, so it may wait for one short transaction of a neighbour and no longer. */
const BUSY_TIMEOUT = 3;

export interface OpenFile {
  db: DatabaseSync;
  /** Which file it is; empty in memory. */
  identity: string;
  /** There is a write-ahead log beside it. */
  writesAhead: boolean;
}

/**
 * Opens the database and brings its tables up to date. Throws what SQLite throws, "database is locked" included:
 * several processes that open a new file at once meet it.
 * @param options.make makes the file where there is none
 * @throws StoreUnavailable where there is none, and it is not to be made
 */
export function openFile(path: string, { make }: { make: boolean }): OpenFile {
  const { DatabaseSync } = sqliteLibrary();
  if (path !== IN_MEMORY && make) prepare(path);
  if (path !== IN_MEMORY && identityOf(path) === undefined) throw new StoreUnavailable(goneMessage(path));
  // An absolute path is never taken for a `file:` URI.
  const db = new DatabaseSync(path === IN_MEMORY ? path : resolve(path));
  try {
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
    const writesAhead = path !== IN_MEMORY && chooseJournal(db) === 'wal';
    migrate(db);
    return { db, writesAhead, identity: path === IN_MEMORY ? '' : (identityOf(path) ?? '') };
  } catch (error) {
    db.close();
    throw error;
  }
}

export function goneMessage(path: string): string {
  return `The database file ${path} was deleted or moved. Put it back, or restart to begin with a new one.`;
}

/** Changes when another file takes the path; undefined where there is none. */
export function identityOf(path: string): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  return file && `${file.dev}:${file.ino}`;
}

/** The file holds password hashes: it is its owner's alone. SQLite's side files take over its mode. */
function prepare(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

function chooseJournal(db: DatabaseSync): string {
  const wanted = journalMode(process.versions.sqlite ?? '0');
  const row = db.prepare(`PRAGMA journal_mode = ${wanted}`).get() as { journal_mode: string };
  // Safe against crashes of the process; a power cut may take the last commits (see log-sync.ts), which the journal of
  // SQLite's other modes would need the slow FULL for just the same.
  if (row.journal_mode === 'wal') db.exec('PRAGMA synchronous = NORMAL');
  return row.journal_mode;
}
