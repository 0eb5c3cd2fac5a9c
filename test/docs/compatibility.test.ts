/** The page on compatibility names the clients, versions and features of the tests, as they would be if all pass. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clientVersions } from '../../scripts/client-versions.js';
import { compatibilityPage, testsOf } from '../../scripts/compatibility-page.js';
import { CLIENTS, type Client, FEATURES } from '../compat/matrix.js';

const ROOT = join(import.meta.dirname, '../..');
const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');

/** The part of a client's files that is about it. */
function sourceOf(client: Client): string {
  const folder = client.language === 'Python' ? ['test', 'compat', 'python'] : ['test', 'compat'];
  const source = client.files.map((file) => read(...folder, file)).join('\n');
  const parts = source.split(/^(?=describe\()/m);
  return parts.find((part) => part.startsWith(`describe('${client.within}'`)) ?? source;
}

/** Whether there is a test of this title: texts that are the first argument of a call, or a function's name. */
function finder(client: Client): (title: string) => boolean {
  const source = sourceOf(client);
  if (client.language === 'Python') {
    return (title) => source.includes(`def test_${title.replaceAll(' ', '_')}(`);
  }
  const titles = [...source.matchAll(/\(\s*(['"`])((?:(?!\1).)+)\1\s*,/g)]
    .map(([, , title]) => title!)
    // Those could be titles of anything.
    .filter((title) => !/^(%[sij] ?)+$/.test(title))
    .map(pattern);
  return (title) => title.split(' > ').every((part) => titles.some((one) => one.test(part)));
}

/** `%s` and the like stand for anything. */
const pattern = (title: string) =>
  new RegExp(`^${title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/%[sij]/g, '.+')}$`);

test('is of now: `npm run docs:compatibility` writes it', () => {
  const page = compatibilityPage(
    (client, feature) => testsOf(client, feature).some(finder(client)) || undefined,
    clientVersions(ROOT),
  );
  expect(read('docs', 'compatibility.md')).toBe(page);
});

test.each(CLIENTS)('$package ($language): what it names is there', (client) => {
  const names = FEATURES.map(({ name }) => name);
  const { named = {}, cannot = {}, without = [] } = client;
  for (const name of [...Object.keys(named), ...Object.keys(cannot), ...without])
    expect(names).toContain(name);
  const titles = Object.values(named).flat();
  expect(titles.filter((title) => !finder(client)(title))).toEqual([]);
});
