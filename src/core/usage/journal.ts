/**
 * Where usage waits that the store could not take: JSON lines in a file, applied when the store is back.
 *
 * Each entry carries the whole hold, and settling is idempotent by the hold's id, so that an entry applied twice (a
 * crash while it was being applied, two processes that both found the file) counts once. Every process appends to a
 * file of its own; a replay first renames a file, so that nothing is appended to what is about to be deleted.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Charge, Hold } from '../store/port.js';

export interface JournalEntry {
  hold: Hold;
  charge: Charge;
}

export interface Journal {
  /** Synchronous: once it returns, the entry survives the death of the process. Throws where the disk refuses. */
  append(entry: JournalEntry): void;
  /**
   * Applies what is there, of this process and of others that are gone.
   * @param settle rejects where the store is still away: the rest waits for the next replay
   * @returns entries applied
   */
  replay(settle: (entry: JournalEntry) => Promise<unknown>): Promise<number>;
}

const OWN = /^usage-(?:(?<host>.+)-)?(?<pid>\d+)-[0-9a-z]+\.journal$/;
const TAKEN = '.replay';
/** A file of a process that cannot be asked and did not write for so long has no owner that is about to write to it. */
const ABANDONED = 30_000;

/** @param directory made where missing, when there is something to write */
export function createJournal(directory: string): Journal {
  const name = `usage-${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}.journal`;
  const own = join(directory, name);
  let pending = false;
  let looked = 0;
  let running: Promise<number> | undefined;

  async function filesToApply(): Promise<string[]> {
    const names = await readdir(directory).catch(() => [] as string[]);
    const files: string[] = [];
    for (const file of names) {
      const path = join(directory, file);
      if (file.endsWith(TAKEN)) files.push(path);
      else if (file === name || (await isAbandoned(directory, file))) {
        const taken = `${path}.${randomBytes(4).toString('hex')}${TAKEN}`;
        // Another process may have been faster: then it is that one's.
        if (
          await rename(path, taken).then(
            () => true,
            () => false,
          )
        )
          files.push(taken);
      }
    }
    return files;
  }

  async function apply(path: string, settle: (entry: JournalEntry) => Promise<unknown>): Promise<number> {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) return 0;
    let applied = 0;
    for (const line of text.split('\n')) {
      const entry = parse(line);
      if (!entry) continue;
      await settle(entry);
      applied += 1;
    }
    await unlink(path).catch(() => undefined);
    return applied;
  }

  async function replayAll(settle: (entry: JournalEntry) => Promise<unknown>): Promise<number> {
    pending = false;
    let applied = 0;
    try {
      for (const file of await filesToApply()) applied += await apply(file, settle);
    } catch (error) {
      pending = true;
      throw error;
    }
    return applied;
  }

  return {
    append(entry) {
      mkdirSync(directory, { recursive: true });
      appendFileSync(own, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
      pending = true;
    },

    replay(settle) {
      // Reading the directory each time would be waste; files of processes that died are looked for now and then.
      const due = Date.now() - looked > ABANDONED;
      if (!pending && !due) return Promise.resolve(0);
      if (due) looked = Date.now();
      running ??= replayAll(settle).finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}

async function isAbandoned(directory: string, file: string): Promise<boolean> {
  const owner = OWN.exec(file)?.groups;
  if (!owner) return false;
  if (owner.host === hostname() && !isAlive(Number(owner.pid))) return true;
  const info = await stat(join(directory, file)).catch(() => undefined);
  return info !== undefined && Date.now() - info.mtimeMs > ABANDONED;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The last line of a process that was killed while it wrote may be cut: it was not acknowledged then. */
function parse(line: string): JournalEntry | undefined {
  if (line === '') return undefined;
  try {
    return JSON.parse(line) as JournalEntry;
  } catch {
    return undefined;
  }
}
