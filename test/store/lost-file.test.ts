/** A server whose SQLite file somebody deletes or moves while it runs. */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { startSimulator } from '../../src/testing/index.js';
import { send } from '../support/gateway.js';
import { cli, startServer, stopServers, writeConfig } from '../support/server-process.js';
import { folder } from './folder.js';

afterAll(stopServers);

test('is not ready, steadily, and refuses, until the file is back', async () => {
  const simulator = await startSimulator();
  const directory = folder();
  const config = await writeConfig(directory, simulator.port);
  const server = await startServer(config);
  await cli(config, 'user', 'create', 'ann');
  const { key } = JSON.parse(await cli(config, 'key', 'generate', 'ann', '--json')) as { key: string };
  const path = join(directory, 'shared.db');
  const ready = async () => (await send(server.url, '/readyz')).status;
  const ask = async () => {
    const body = { model: 'gpt-4', messages: [{ role: 'user', content: 'Hello' }] };
    return (await send(server.url, '/openai/v1/chat/completions', { key, body })).status;
  };
  expect([await ready(), await ask()]).toEqual([200, 200]);

  renameSync(path, `${path}.away`);
  // An answer of /readyz holds for two seconds, an identity for one.
  await sleep(2_100);
  for (let look = 0; look < 10; look += 1) {
    expect([await ready(), await ask()]).toEqual([503, 503]);
    await sleep(250);
  }
  expect(existsSync(path)).toBe(false);
  expect(server.complaints()).not.toContain('TypeError');

  renameSync(`${path}.away`, path);
  await sleep(2_100);
  expect([await ready(), await ask()]).toEqual([200, 200]);
  server.kill('SIGTERM');
  await server.exited;
  await simulator.close();
}, 60_000);
