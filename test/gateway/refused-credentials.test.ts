/** auth.log has a line for each wrong or revoked key and token, with its address. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCredential } from '../../src/core/auth/credential.js';
import { checkConfig } from '../../src/core/config.js';
import { createLogs } from '../../src/core/observe/logs.js';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());

const WHERE = { ip: '127.0.0.1', request_id: 'request-7' };

async function linesOf(key: string, path = '/openai/v1/models') {
  const before = rig.log.length;
  const { status } = await send(rig.url, path, { key, headers: { 'x-request-id': 'request-7' } });
  const lines = rig.log.slice(before).filter(({ log }) => log === 'auth');
  return { status, lines };
}

async function tokenOf(username: string): Promise<string> {
  const body = { username, password: 'a-good-password' };
  const { json } = await send(rig.url, '/auth/login', { body });
  return (json as { access_token: string }).access_token;
}

test.each<[string, string, () => Promise<string>]>([
  ['a key that never was', 'key_refused', async () => makeCredential('pk_live_').text],
  ['what is no key', 'key_refused', async () => 'sk-something-else'],
  [
    'a revoked key',
    'key_refused',
    async () => {
      const user = await rig.user();
      await rig.gateway.keys.revokeAll(user.id);
      return user.key;
    },
  ],
  ['a forged token', 'token_refused', async () => 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.AAAA'],
  [
    'a revoked token',
    'token_refused',
    async () => {
      const { username } = await rig.user();
      const token = await tokenOf(username);
      await rig.gateway.users.revokeTokens(username);
      return token;
    },
  ],
  ['a refresh token in the place of a key', 'token_refused', async () => makeCredential('rt_').text],
])('%s is noted', async (_, event, make) => {
  const text = await make();
  for (const path of ['/openai/v1/models', '/ollama/api/tags', '/auth/keys', '/admin/v1/usage']) {
    const { status, lines } = await linesOf(text, path);
    expect(status).toBe(401);
    expect(lines).toMatchObject([{ level: 'warn', event, ...WHERE }]);
    expect(JSON.stringify(lines)).not.toContain(text.slice(-20));
  }
});

test('a good key, and none at all, are not', async () => {
  const { key } = await rig.user();
  expect(await linesOf(key)).toEqual({ status: 200, lines: [] });
  expect(await linesOf('')).toEqual({ status: 401, lines: [] });
});

test('the filter for fail2ban finds each refusal, and nothing else', async () => {
  const filter = await readFile(
    resolve(import.meta.dirname, '../../deploy/fail2ban/filter.d/parallama.conf'),
    'utf8',
  );
  const [, failregex = ''] = /^failregex = (.+)$/m.exec(filter)!;
  const refusal = new RegExp(failregex.replace('<ADDR>', '([0-9a-f.:]+)'));
  const directory = await mkdtemp(join(tmpdir(), 'parallama-test-'));
  const logs = createLogs({ ...checkConfig({}).logging, directory });
  const refused = rig.log.filter(({ log, level }) => log === 'auth' && level === 'warn');
  for (const { level: _level, log: _log, msg, ...fields } of refused) logs.auth.warn(fields, String(msg));
  logs.auth.info({ event: 'login', user: '1', ip: '10.0.0.1' }, 'login');
  await logs.close();
  const lines = (await readFile(join(directory, 'auth.log'), 'utf8')).trim().split('\n');
  await rm(directory, { recursive: true });
  expect(refused.length).toBeGreaterThan(20);
  expect(lines).toHaveLength(refused.length + 1);
  expect(lines.map((line) => refusal.exec(line)?.[1])).toEqual([...refused.map(({ ip }) => ip), undefined]);
});
