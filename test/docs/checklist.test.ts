/** The tests that the checklist of translation names are there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const rows = readFileSync(join(ROOT, 'docs/translation-checklist.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => {
    const [, number, point, tests] = /^\| +(\d+) +\| +(.+?) +\| +(.+?) +\|$/.exec(line)!;
    const named = [...tests!.matchAll(/`(test\/[^`]+)` ((?:"[^"]+"(?:, )?)+)/g)].flatMap(([, file, titles]) =>
      [...titles!.matchAll(/"([^"]+)"/g)].map(([, title]) => ({ file: file!, title: title! })),
    );
    return { number: Number(number), point, named };
  });

/** The titles in a file: texts that are the first argument of a call. */
const titlesIn = (file: string): Set<string> =>
  new Set(
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\(\s*(['"`])((?:(?!\1).)+)\1\s*,/g)].map(
      ([, , title]) => title!,
    ),
  );

test('the points are numbered through', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 112 }, (_, i) => i + 1));
});

test.each(rows)('$number: $point', ({ named }) => {
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter(({ file, title }) => !titlesIn(file).has(title))).toEqual([]);
});
