/**
 * Where usage waits that the store could not take: JSON lines in a file, applied when the store is back.
 *
 * Each entry carries the whole hold, and settling is idempotent by the hold's id, so that an entry applied twice (a
 * crash while it was being applied, two processes that both found the file) counts once. Every process appends to a
 * file of its own; a replay first renames a file, so that nothing is appended to what is about to be deleted.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { appendFile, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Charge, type Hold, StoreUnavailable } from '../store/port.js';

export interface JournalEntry {
  hold: Hold;
  charge: Charge;
}

export interface Journal {
  /** Synchronous: once it returns, the entry survives the death of the process. Throws where the disk refuses. */
  append(entry: JournalEntry): void;
  /**
   * Applies what is there, of this process and of others that are gone.
   * @param settle rejects with StoreUnavailable where the store is still away: the rest waits for the next replay
   * @returns entries applied
   * @throws Error where the store refused some, which stay; and where some could not be read, which are put aside
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
    const refused: string[] = [];
    const unreadable: string[] = [];
    const errors: unknown[] = [];
    let applied = 0;
    const lines = text.split('\n');
    for (const [at, line] of lines.entries()) {
      const entry = parse(line);
      if (!entry) {
        // The last line of a process that was killed while it wrote may be cut: it was not acknowledged then.
        if (line !== '' && at < lines.length - 1) unreadable.push(line);
        continue;
      }
      try {
        await settle(entry);
        applied += 1;
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error;
        // One that the store will not have must not keep the others from it.
        refused.push(line);
        errors.push(error);
      }
    }
    if (unreadable.length > 0) errors.push(await putAside(path, unreadable));
    if (refused.length > 0) await writeFile(path, linesOf(refused), { mode: 0o600 });
    else await unlink(path).catch(() => undefined);
    if (errors.length > 0) throw errors[0];
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
      // Begins with a line feed: what a full disk has left of the entry before must not spoil this one.
      appendFileSync(own, `\n${linesOf([JSON.stringify(entry)])}`, { mode: 0o600 });
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

const linesOf = (lines: string[]) => lines.map((line) => `${line}\n`).join('');

/** Nothing is thrown away that may be somebody's usage: mostly it is not, but was cut by a full disk. */
async function putAside(path: string, lines: string[]): Promise<Error> {
  const aside = `${path.slice(0, path.indexOf('.journal'))}.unreadable`;
  await appendFile(aside, linesOf(lines), { mode: 0o600 });
  return new Error(`${lines.length} lines of the usage journal cannot be read; they are in ${aside}`);
}

/** Undefined for what is no entry. */
function parse(line: string): JournalEntry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<JournalEntry> | null;
    const whole = typeof entry?.hold?.id === 'string' && Array.isArray(entry.hold.claims) && entry.charge;
    return whole ? (entry as JournalEntry) : undefined;
  } catch {
    return undefined;
  }
}
