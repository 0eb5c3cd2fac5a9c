/** Every command of docs/cli.md and of the README does what it says, in the order of the page. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startBeside } from '../cli/beside.js';

const linesOf = (file: string): string[] => {
  const page = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  return [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.trimEnd().split('\n'));
};
/** These run until they are stopped, and have tests of their own. */
const SERVERS = /parallama-cli (?:serve|demo)/;

test('the commands of docs/cli.md', { timeout: 120_000 }, async () => {
  const { type, json } = await startBeside();
  const lines = linesOf('docs/cli.md');
  expect(lines.length).toBeGreaterThan(25);
  for (const line of lines.filter((one) => !SERVERS.test(one))) {
    const keys = line.includes('KEY-ID')
      ? await json<{ id: string }[]>('key', 'list', '--username', 'ada')
      : [];
    const typed = line.replace('KEY-ID', keys[0]?.id ?? '').replace('/tmp/look', './look');
    const { status, stderr } = await type(typed);
    expect({ line, status, stderr }).toEqual({ line, status: 0, stderr: expect.any(String) });
  }
});

test('the commands of the README', { timeout: 60_000 }, async () => {
  const { type } = await startBeside();
  // `npm install` and `npm start` are the main job, which CI does as its users do.
  const lines = linesOf('README.md').filter((line) => line.startsWith('npx ') && !SERVERS.test(line));
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) {
    const { status, stderr } = await type(line.replace('npx ', ''));
    expect({ line, status, stderr }).toEqual({ line, status: 0, stderr: expect.any(String) });
  }
});
