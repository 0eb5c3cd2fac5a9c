/** Nothing is left of a gateway that was closed, or never began: its process ends by itself. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { createGateway } from '../../src/core/gateway.js';
import { openStore } from '../../src/core/store/open.js';

// Within node_modules the packages are found.
const directory = mkdtempSync(join(import.meta.dirname, '../../node_modules/.parallama-closing-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a fixture in a process of its own. @returns what it says, once it has ended by itself */
async function run(fixture: string): Promise<Record<string, unknown[]>> {
  const script = join(directory, `${fixture}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `fixtures/${fixture}.ts`)],
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
  return JSON.parse(said) as Record<string, unknown[]>;
}

test('two gateways in one process keep apart, and leave nothing behind', async () => {
  const { answers, totals, before, during, after } = await run('two-gateways');
  expect(answers).toEqual([200, 200, 200]);
  expect(totals).toEqual([1, 2]);
  expect(during?.length).toBeGreaterThan(before!.length);
  expect(after).toEqual(before);
});

test('a gateway that does not start lets go of its store', async () => {
  const start = async (name: string) => {
    const secret = join(directory, name);
    writeFileSync(secret, randomBytes(32).toString('hex'), { mode: 0o600 });
    const store = await openStore(`sqlite:${join(directory, 'shared.db')}`);
    const config = { auth: { jwt_secret_file: secret }, logging: { directory: join(directory, 'logs') } };
    return { store, starting: createGateway({ store, config }) };
  };
  const first = await (await start('first')).starting;
  const { store, starting } = await start('second');
  await expect(starting).rejects.toThrow('is used with another signing secret');
  await expect(store.health()).rejects.toThrow('closed');
  await first.close();
});
