/**
 * A log file that starts anew when it is full. The full one is kept under the time and the process that moved
 * it, `api.log.2026-11-23T04-05-06.789Z-4711`: several processes can write and rotate one log without a lock.
 *
 * Lines are gathered for some milliseconds and written in one call. It is a synchronous one: into the page cache that
 * costs a third of what a round trip through the thread pool does.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface RotatingFileOptions {
  /** Bytes. A line longer than this has a file of its own. */
  maxSize: number;
  /** The file being written included. */
  maxFiles: number;
  /** Called when lines are lost or a full file cannot be moved away; once, until that is over. */
  onTrouble(error: unknown): void;
}

export interface RotatingFile {
  /** @param line ends in a line feed */
  write(line: string): void;
  flush(): void;
  /** Opens the path again, after something else has moved the file. */
  reopen(): void;
  /** Lines that come after it are dropped. */
  close(): void;
}

const BATCH = 64 * 1024;
/** Milliseconds that a line may wait for others. */
const GATHER = 10;
const OLD_NAME = /^\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-\d+$/;

/** @throws the error of the file system where the file cannot be opened */
export function openRotatingFile(path: string, options: RotatingFileOptions): RotatingFile {
  const { maxSize, maxFiles, onTrouble } = options;
  const batchSize = Math.min(BATCH, maxSize);
  let fd: number | undefined = open(path);
  let pending = '';
  let pendingBytes = 0;
  let scheduled: NodeJS.Timeout | undefined;
  let movedAt = 0;
  let troubled = false;
  /** The file cannot be moved away: it grows until somebody has mended that and asks for `reopen`. */
  let stuck = false;

  function flush(): void {
    clearTimeout(scheduled);
    scheduled = undefined;
    const batch = Buffer.from(pending);
    pending = '';
    pendingBytes = 0;
    if (batch.length === 0 || fd === undefined) return;
    try {
      makeRoom(batch.length);
      for (let at = 0; at < batch.length; ) at += writeSync(fd, batch, at);
      troubled = false;
    } catch (error) {
      if (!troubled) onTrouble(error);
      troubled = true;
    }
  }

  /** The file itself is asked for its size: other processes write to it too, or have moved or removed it. */
  function makeRoom(bytes: number): void {
    const mine = fstatSync(fd!);
    const full = mine.size > 0 && mine.size + bytes > maxSize;
    if (mine.nlink > 0 && (!full || stuck)) return;
    try {
      if (statSync(path, { throwIfNoEntry: false })?.ino === mine.ino) moveAway();
      replace();
    } catch (error) {
      stuck = true;
      onTrouble(error);
    }
  }

  function moveAway(): void {
    movedAt = Math.max(Date.now(), movedAt + 1);
    try {
      renameSync(path, oldName(path, movedAt));
    } catch (error) {
      // Another process was faster.
      if (!isAbsent(error)) throw error;
    }
    const old = readdirSync(dirname(path)).filter((name) => isOld(name, basename(path)));
    for (const name of old.sort().slice(0, Math.max(0, old.length - (maxFiles - 1)))) {
      rmSync(join(dirname(path), name), { force: true });
    }
  }

  function replace(): void {
    const next = open(path);
    if (fd !== undefined) closeSync(fd);
    fd = next;
  }

  return {
    write(line) {
      if (fd === undefined) return;
      const bytes = Buffer.byteLength(line);
      if (pendingBytes > 0 && pendingBytes + bytes > batchSize) flush();
      pending += line;
      pendingBytes += bytes;
      scheduled ??= setTimeout(flush, GATHER);
    },
    flush,
    reopen() {
      flush();
      if (fd === undefined) return;
      try {
        replace();
        stuck = false;
      } catch (error) {
        onTrouble(error);
      }
    },
    close() {
      flush();
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

const open = (path: string) => openSync(path, 'a', 0o640);

/** This process's alone, so that it overwrites no other's; without colons, which some file systems refuse. */
const oldName = (path: string, at: number) =>
  `${path}.${new Date(at).toISOString().replaceAll(':', '-')}-${process.pid}`;

const isOld = (name: string, log: string) => name.startsWith(log) && OLD_NAME.test(name.slice(log.length));

const isAbsent = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT';
