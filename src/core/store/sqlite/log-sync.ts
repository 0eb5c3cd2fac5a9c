/**
 * Sends SQLite's write-ahead log to the disk soon after a commit, while nobody waits for it. SQLite does so by itself when
 * the log is full, four megabytes at once, and whoever asks the store meanwhile waits for all of them. And a power cut
 * takes less.
 */
import { close, fdatasync, open } from 'node:fs';

export interface LogSync {
  /** Something was committed. */
  committed(): void;
  close(): void;
}

/** Milliseconds from a commit. */
const SOON = 100;

/** @param path of the database, which is open */
export function createLogSync(path: string): LogSync {
  let due: NodeJS.Timeout | undefined;
  let log: number | undefined;
  let syncing = false;
  /** Something was committed while it was synced. */
  let more = false;
  let closed = false;

  /** What fails here fails once more where SQLite does it, and is told there. */
  function sync(): void {
    due = undefined;
    syncing = true;
    if (log !== undefined) fdatasync(log, done);
    else {
      // SQLite keeps no lock on this file, which closing it here would take away.
      open(`${path}-wal`, 'r+', (error, opened) => {
        if (error) return done();
        log = opened;
        fdatasync(log, done);
      });
    }
  }

  function done(): void {
    syncing = false;
    if (closed) end();
    else if (more) soon();
  }

  function soon(): void {
    more = false;
    due ??= setTimeout(sync, SOON).unref();
  }

  function end(): void {
    if (log !== undefined) close(log, () => {});
    log = undefined;
  }

  return {
    committed() {
      if (syncing) more = true;
      else soon();
    },
    close() {
      closed = true;
      clearTimeout(due);
      if (!syncing) end();
    },
  };
}
