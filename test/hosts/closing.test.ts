/** Nothing is left of a gateway that was closed: its process ends by itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';

// Within node_modules the packages are found.
const directory = mkdtempSync(join(import.meta.dirname, '../../node_modules/.parallama-closing-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('two gateways in one process keep apart, and leave nothing behind', async () => {
  const script = join(directory, 'two-gateways.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'fixtures/two-gateways.ts')],
    outfile: script,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node22',
  });
  const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [said, warned, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  clearTimeout(timer);
  expect([warned, code]).toEqual(['', 0]);
  const { answers, totals, before, during, after } = JSON.parse(said);
  expect(answers).toEqual([200, 200, 200]);
  expect(totals).toEqual([1, 2]);
  expect(during.length).toBeGreaterThan(before.length);
  expect(after).toEqual(before);
});
