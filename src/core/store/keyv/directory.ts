/**
 * Lists of names, in place of the indexes that Keyv does not have. A list is spread over several documents, so that
 * adding to a long one does not write all of it. What it names may be gone: whoever reads it looks.
 */
import { createHash } from 'node:crypto';
import type { Name, Turn } from './documents.js';

export interface Directories {
  add(turn: Turn, list: Name, entry: string): Promise<void>;
  remove(turn: Turn, list: Name, entry: string): Promise<void>;
  /** In the order of code units. */
  read(turn: Turn, list: Name): Promise<string[]>;
}

const PARTS = 16;

export function directories(): Directories {
  const partOf = (list: Name, part: number): Name => ['list', String(part), ...list];

  async function edit(
    turn: Turn,
    list: Name,
    entry: string,
    change: (entries: string[]) => string[] | undefined,
  ): Promise<void> {
    const part = partOf(list, numberOf(entry));
    await turn.lock(part, async () => {
      const entries = change((await turn.get<string[]>(part)) ?? []);
      if (entries) await (entries.length === 0 ? turn.delete(part) : turn.set(part, entries));
    });
  }

  return {
    add: (turn, list, entry) =>
      edit(turn, list, entry, (entries) => (entries.includes(entry) ? undefined : [...entries, entry])),
    remove: (turn, list, entry) =>
      edit(turn, list, entry, (entries) =>
        entries.includes(entry) ? entries.filter((each) => each !== entry) : undefined,
      ),
    async read(turn, list) {
      const parts = Array.from({ length: PARTS }, (_, part) => turn.get<string[]>(partOf(list, part)));
      return (await Promise.all(parts)).flatMap((entries) => entries ?? []).sort();
    },
  };
}

function numberOf(entry: string): number {
  return createHash('sha256').update(entry).digest()[0]! % PARTS;
}
