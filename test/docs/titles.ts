/** The tests that a page names in a table: `` `test/a.test.ts` "a title", "another" ``. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

export interface Named {
  file: string;
  title: string;
}

/** @param cell of the table */
export function namedIn(cell: string): Named[] {
  return [...cell.matchAll(/`(test\/[^`]+)` ((?:"[^"]+"(?:, )?)+)/g)].flatMap(([, file, titles]) =>
    [...titles!.matchAll(/"([^"]+)"/g)].map(([, title]) => ({ file: file!, title: title! })),
  );
}

/** Titles are texts that are the first argument of a call. */
export function isThere({ file, title }: Named): boolean {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const titles = [...text.matchAll(/\(\s*(['"`])((?:(?!\1).)+)\1\s*,/g)].map(([, , one]) => one);
  return titles.includes(title);
}

/** Lines of a page. */
export const linesOf = (page: string): string[] => readFileSync(join(ROOT, page), 'utf8').split('\n');
