/** The tests that the checklist of translation names are there. */
import { expect, test } from 'vitest';
import { isThere, linesOf, namedIn } from './titles.js';

const rows = linesOf('docs/translation-checklist.md')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => {
    const [, number, point, tests] = /^\| +(\d+) +\| +(.+?) +\| +(.+?) +\|$/.exec(line)!;
    return { number: Number(number), point, named: namedIn(tests!) };
  });

test('the points are numbered through', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 112 }, (_, i) => i + 1));
});

test.each(rows)('$number: $point', ({ named }) => {
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((one) => !isThere(one))).toEqual([]);
});
