/** The tests that answer threats, by docs/security.md, are there; and every test of security answers one. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isThere, linesOf, namedIn } from './titles.js';

const rows = linesOf('docs/security.md')
  .filter((line) => line.includes('`test/'))
  .map((line) => {
    const [, threat, tests] = /^\| +(.+?) +\| +(.+?) +\|$/.exec(line)!;
    return { threat, named: namedIn(tests!) };
  });

test.each(rows)('$threat', ({ named }) => {
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((one) => !isThere(one))).toEqual([]);
});

test('no file of test/security is left out', () => {
  const files = readdirSync(join(import.meta.dirname, '../security')).filter((name) =>
    name.endsWith('.test.ts'),
  );
  const answering = new Set(rows.flatMap(({ named }) => named.map(({ file }) => file)));
  expect(files.filter((name) => !answering.has(`test/security/${name}`))).toEqual([]);
});
