/** Files with secrets in them are their owner's alone, under any umask; and whoever opens one is told. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { createGateway } from '../../src/core/gateway.js';
import { createJournal } from '../../src/core/usage/journal.js';
import { send } from '../support/gateway.js';
import { cli, writeConfig } from '../support/server-process.js';

const CLI = resolve(import.meta.dirname, '../../bin/parallama-cli.cjs');

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parallama-test-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Files below the directory with their modes. */
async function modes(): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const found = files.map(async (path) => [
    path.slice(directory.length + 1),
    ((await stat(path)).mode & 0o777).toString(8),
  ]);
  return Object.fromEntries(await Promise.all(found));
}

test('what a server makes lets in nobody else, where the umask would let in all', async () => {
  const config = await writeConfig(directory, 1);
  const server = spawn(
    'sh',
    ['-c', 'umask 0; exec "$0" "$@"', process.execPath, CLI, 'serve', '--config', config, '--port', '0'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void server.kill('SIGKILL'));
  let url = '';
  for await (const line of createInterface({ input: server.stdout })) {
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? '';
    if (url !== '') break;
  }
  const body = { username: 'ann', password: 'a-good-password' };
  expect((await send(url, '/auth/register', { body })).status).toBe(201);
  const found = await modes();
  expect(found).toMatchObject({ jwt_secret: '600', 'shared.db': '600' });
  const own = Object.keys(found).filter((name) => name !== 'config.yaml');
  for (const name of own.filter((name) => name.startsWith('shared.db') || name.includes('secret'))) {
    expect([name, found[name]]).toEqual([name, '600']);
  }
  // Logs have no secrets; a group of operators may read them.
  for (const name of own.filter((name) => name.startsWith('log/'))) {
    expect([name, found[name]]).toEqual([name, '640']);
  }
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  await exited;
});

test('so is the journal of usage that the store could not take', async () => {
  const journal = createJournal(join(directory, 'journal'));
  journal.append({
    hold: { id: 'a', subject: 'b', claims: [] },
    charge: { requests: 1, promptTokens: 1, completionTokens: 1, errors: 0, aborted: 0, latencyMs: 1 },
  });
  expect(Object.values(await modes())).toEqual(['600']);
});

async function noticesOf(config: string): Promise<string> {
  const gateway = await createGateway({ config });
  await gateway.close();
  return gateway.notices.join('\n');
}

test('a database that others can read is told at start', async () => {
  const config = await writeConfig(directory, 1);
  await cli(config, 'user', 'create', 'ann');
  expect(await noticesOf(config)).not.toContain('chmod');
  await chmod(join(directory, 'shared.db'), 0o644);
  expect(await noticesOf(config)).toContain('shared.db (mode 644): chmod 600 it');
  await chmod(join(directory, 'shared.db'), 0o660);
  expect(await noticesOf(config)).not.toContain('chmod');
});

test('a configuration that others can read is told where it has secrets in it', async () => {
  const config = await writeConfig(directory, 1);
  await chmod(config, 0o644);
  expect(await noticesOf(config)).not.toContain('chmod');
  await appendFile(config, 'metrics: { token: a-long-token }\n');
  expect(await noticesOf(config)).toContain(
    'config.yaml (mode 644), which has a password, an invitation or a token',
  );
  await chmod(config, 0o640);
  expect(await noticesOf(config)).not.toContain('chmod');
});
