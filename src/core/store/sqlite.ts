/**
 * SQLite, through node:sqlite: one file that the server's processes and the command line share.
 */
import type { Store } from './port.js';
import { connect } from './sqlite/connection.js';
import { IN_MEMORY } from './sqlite/file.js';
import { history, type Pages } from './sqlite/history.js';
import { journalMode } from './sqlite/library.js';
import { quotas } from './sqlite/quotas.js';
import { records } from './sqlite/records.js';

export interface SqliteOptions {
  /** The file; made where it is missing (mode 0600), with its directory (mode 0700). */
  path: string;
  /** Milliseconds since 1970; for tests. */
  now?: () => number;
}

const BEAT = "INSERT OR REPLACE INTO meta (name, value) VALUES ('health', ?)";

/**
 * A store in an SQLite file, opened by the first call. Calls reject with StoreUnavailable where the file cannot be
 * opened, read or written, and with a plain Error where a newer Parallama has written it.
 *
 * @example
 * const store = sqlite({ path: './parallama.db' });
 */
export function sqlite({ path, now = Date.now }: SqliteOptions): Store & Pages {
  const connection = connect(path);
  return {
    kind: 'sqlite',
    place: path,
    notice: noticeOf(process.versions.sqlite ?? '0'),
    ...records(connection, now),
    ...quotas(connection, now),
    ...history(connection),
    async health() {
      await connection.verify();
      await connection.write((sql) => sql(BEAT).run(now()));
    },
    close: () => connection.close(),
  };
}

/** A store for one process, gone when it ends. */
export function memory({ now }: Pick<SqliteOptions, 'now'> = {}): Store {
  return { ...sqlite({ path: IN_MEMORY, now }), kind: 'memory', place: 'memory', notice: undefined };
}

function noticeOf(version: string): string | undefined {
  if (journalMode(version) === 'WAL') return undefined;
  return `SQLite ${version} can damage a shared write-ahead log; the slower rollback journal is used. Node.js 24 is faster.`;
}
