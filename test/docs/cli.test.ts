/** Every command of docs/cli.md does what it says, in the order of the page. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startBeside } from '../cli/beside.js';

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
const lines = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
  block!.trimEnd().split('\n'),
);
/** These run until they are stopped, and have tests of their own. */
const SERVERS = /parallama-cli (?:serve|demo)/;

test('the commands of docs/cli.md', { timeout: 120_000 }, async () => {
  const { type, json } = await startBeside();
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
