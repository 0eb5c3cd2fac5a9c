/** Several gateways as real processes on one store: killed, stopped, and seen by each other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/core/store/open.js';
import type { UsageRow } from '../../src/core/store/port.js';
import { type Simulator, startSimulator } from '../../src/testing/index.js';
import { send, until } from '../support/gateway.js';
import { cli, type ServerProcess, startServer, stopServers, writeConfig } from '../support/server-process.js';

let directory: string;
let simulator: Simulator;
let config: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parallama-processes-'));
  simulator = await startSimulator();
  const limits =
    'limits: { roles: { tight: { openai: { token_limit_hourly: 5000, request_limit_hourly: 100 } } } }';
  config = await writeConfig(directory, simulator.port, limits);
});
afterAll(async () => {
  await stopServers();
  await simulator.close();
  await rm(directory, { recursive: true, force: true });
});

const COUNT = { model: 'gpt-4', messages: [{ role: 'user', content: 'Count from 1 to 5000' }], stream: true };

async function newUser(name: string): Promise<{ id: string; key: string }> {
  const user = JSON.parse(await cli(config, 'user', 'create', name, '--role', 'tight', '--json'));
  const { key } = JSON.parse(await cli(config, 'key', 'generate', name, '--json'));
  return { id: user.id, key };
}

/** Reads a stream until it ends, however it ends. */
function stream(server: ServerProcess, key: string): { received: () => string; ended: Promise<void> } {
  let text = '';
  const { hostname, port } = new URL(server.url);
  const headers = { authorization: `Bearer ${key}` };
  const path = '/openai/v1/chat/completions';
  const ended = new Promise<void>((resolve) => {
    const req = httpRequest({ hostname, port, path, method: 'POST', headers, agent: false }, (res) => {
      res.on('data', (chunk) => {
        text += chunk;
      });
      res.on('close', resolve);
    });
    req.on('error', () => resolve());
    req.end(JSON.stringify(COUNT));
  });
  return { received: () => text, ended };
}

const events = (text: string) => text.split('"content":"').length - 1;

test('kill -9 during a stream: what was held is given back within the lease, what is known was charged', async () => {
  const { id, key } = await newUser('killed');
  const [victim, other] = await Promise.all([startServer(config), startServer(config)]);
  const store = await openStore(`sqlite:${join(directory, 'shared.db')}`);
  const hour = new Date().toISOString().slice(0, 13);
  const counters = async () => {
    const keys = ['tokens', 'requests'].map((counts) => `openai:${counts}:hour:${hour}`);
    const [tokens, requests] = await store.counters(id, keys);
    return { tokens: tokens!, requests: requests! };
  };

  simulator.pace = 2;
  const { received, ended } = stream(victim, key);
  // Beyond the first grant: a top-up has told the store what was used so far.
  await until(() => events(received()) > 300, 20_000);
  victim.kill('SIGKILL');
  await Promise.all([ended, victim.exited]);
  const killedAt = Date.now();

  const during = await counters();
  expect(during.requests).toEqual({ used: 0, held: 1 });
  expect(during.tokens.held).toBeGreaterThan(0);
  expect((await send(other.url, '/openai/v1/models', { key })).status).toBe(200);

  let after = during;
  while (after.requests.held > 0 && Date.now() - killedAt < 60_000) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    after = await counters();
  }
  expect(after.requests).toEqual({ used: 1, held: 0 });
  expect(after.tokens.held).toBe(0);
  expect(after.tokens.used).toBeGreaterThan(200);
  expect(after.tokens.used).toBeLessThanOrEqual(5_000);

  simulator.pace = 0;
  other.kill('SIGTERM');
  expect(await other.exited).toBe(0);
  await store.close();
}, 120_000);

test('SIGTERM lets a running stream end and settles it; nothing is lost', async () => {
  const { id, key } = await newUser('drained');
  const server = await startServer(config);
  simulator.pace = 2;
  const { received, ended } = stream(server, key);
  await until(() => events(received()) > 20, 20_000);
  server.kill('SIGTERM');
  simulator.pace = 0;
  await ended;
  expect(received().endsWith('data: [DONE]\n\n')).toBe(true);
  expect(await server.exited).toBe(0);

  const store = await openStore(`sqlite:${join(directory, 'shared.db')}`);
  const rows: UsageRow[] = [];
  for await (const row of store.usage({
    subject: id,
    from: '2000-01-01T00',
    to: '2999-01-01T00',
    by: 'hour',
  })) {
    rows.push(row);
  }
  expect(rows).toMatchObject([{ requests: 1, errors: 0, aborted: 0, completionTokens: expect.any(Number) }]);
  expect(rows[0]!.completionTokens).toBeGreaterThan(1_000);
  await store.close();
}, 60_000);

test('a key that one process revokes is refused by another within a second', async () => {
  const { key } = await newUser('revoked');
  const server = await startServer(config);
  expect((await send(server.url, '/openai/v1/models', { key })).status).toBe(200);
  const [{ id }] = JSON.parse(await cli(config, 'key', 'list', '--username', 'revoked', '--json'));
  await cli(config, 'key', 'revoke', id);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect((await send(server.url, '/openai/v1/models', { key })).status).toBe(401);
  server.kill('SIGTERM');
  expect(await server.exited).toBe(0);
}, 60_000);

test('an answer that one process gives ends within a second of a command that revokes its key', async () => {
  const { id, key } = await newUser('revoked-under-way');
  const server = await startServer(config);
  const [{ id: keyId }] = JSON.parse(
    await cli(config, 'key', 'list', '--username', 'revoked-under-way', '--json'),
  );
  simulator.pace = 5;
  const { received, ended } = stream(server, key);
  await until(() => events(received()) > 50, 20_000);
  await cli(config, 'key', 'revoke', keyId);
  const revokedAt = performance.now();
  await ended;
  expect(performance.now() - revokedAt).toBeLessThan(1_000);
  expect(received()).toContain('"code":"invalid_api_key"');
  server.kill('SIGTERM');
  expect(await server.exited).toBe(0);
  simulator.pace = 0;

  const store = await openStore(`sqlite:${join(directory, 'shared.db')}`);
  const rows: UsageRow[] = [];
  const query = { subject: id, from: '2000-01-01T00', to: '2999-01-01T00', by: 'hour' } as const;
  for await (const row of store.usage(query)) rows.push(row);
  await store.close();
  expect(rows).toMatchObject([{ requests: 1, aborted: 1 }]);
  expect(rows[0]!.completionTokens).toBeGreaterThan(50);
}, 60_000);
