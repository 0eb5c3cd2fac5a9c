/** How often a password may be guessed: by name, by address, over all processes; and who an address is. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { FAILURES_PER_ADDRESS, FAILURES_PER_NAME } from '../../src/core/auth/throttle.js';
import { type Rig, send, startRig } from '../support/gateway.js';
import { cli, startServer, stopServers, writeConfig } from '../support/server-process.js';
import { withinOneWindow } from './window.js';

afterAll(stopServers);

async function rigWith(trust_proxy: boolean | number | string[]): Promise<Rig> {
  await withinOneWindow();
  const rig = await startRig({ config: { server: { trust_proxy } } });
  onTestFinished(() => rig.close());
  await rig.user('basic', 'ann');
  return rig;
}

const guess = async (url: string, username: string, forwarded?: string, password = 'a-wrong-password') => {
  const headers: Record<string, string> = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return (await send(url, '/auth/login', { headers, body: { username, password } })).status;
};

/** Uses up what one address may fail, over names that nobody has. */
async function failOften(url: string, forwarded: (i: number) => string | undefined): Promise<void> {
  for (let i = 0; i < FAILURES_PER_ADDRESS; i += 1) {
    expect(await guess(url, `nobody-${i}`, forwarded(i))).toBe(401);
  }
}

test('an address is told by its connection, whatever X-Forwarded-For says', { timeout: 90_000 }, async () => {
  const { url } = await rigWith(false);
  await failOften(url, (i) => `203.0.113.${i}`);
  expect(await guess(url, 'ann', '198.51.100.1', 'a-good-password')).toBe(429);
});

test('behind a proxy that is trusted, by the address that the proxy has added', {
  timeout: 90_000,
}, async () => {
  const { url } = await rigWith(1);
  await failOften(url, (i) => `198.51.100.${i}, 203.0.113.7`);
  expect(await guess(url, 'ann', '198.51.100.1, 203.0.113.7', 'a-good-password')).toBe(429);
  expect(await guess(url, 'ann', '203.0.113.7, 198.51.100.1', 'a-good-password')).toBe(200);
});

test.each<[number | string[]]>([[2], [['loopback', '10.0.0.0/8']]])(
  'behind two proxies (%j), one client does not lock the others out',
  { timeout: 90_000 },
  async (trust) => {
    const { url } = await rigWith(trust);
    await failOften(url, () => '198.51.100.1, 10.0.0.7');
    expect(await guess(url, 'ann', '198.51.100.1, 10.0.0.7', 'a-good-password')).toBe(429);
    expect(await guess(url, 'ann', '198.51.100.2, 10.0.0.7', 'a-good-password')).toBe(200);
  },
);

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['198.51.100.1,203.0.113.7:52113', '203.0.113.7'],
  ['2001:db8::7', '2001:db8::7'],
  ['[2001:db8::7]:52113', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['unknown', '127.0.0.1'],
  ['203.0.113.7, ', '127.0.0.1'],
  ['', '127.0.0.1'],
  [`203.0.113.7 ${'x'.repeat(9_000)}`, '127.0.0.1'],
])('of a proxy that adds "%s" the address counts, and nothing else', async (forwarded, ip) => {
  const { url, log } = await rigWith(1);
  expect(await guess(url, 'ann', forwarded)).toBe(401);
  expect(log.find(({ event }) => event === 'login_failed')).toMatchObject({ ip });
});

test('registrations guess no invitations for long', { timeout: 90_000 }, async () => {
  await withinOneWindow();
  const rig = await startRig({
    config: { auth: { registration: 'invite', invitations: ['the-invitation'] } },
  });
  onTestFinished(() => rig.close());
  const register = async (invitation: string, i: number) =>
    (
      await send(rig.url, '/auth/register', {
        body: { username: `guest-${i}`, password: 'a-good-password', invitation },
      })
    ).status;
  for (let i = 0; i < FAILURES_PER_ADDRESS; i += 1) expect(await register('a-wrong-one', i)).toBe(403);
  expect(await register('the-invitation', 0)).toBe(429);
});

test('guesses at one name are counted over processes on one store, and others log in', {
  timeout: 90_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parallama-test-'));
  onTestFinished(async () => {
    // They still write their logs.
    await stopServers();
    await rm(directory, { recursive: true, force: true });
  });
  const config = await writeConfig(directory, 1);
  await cli(config, 'user', 'create', 'ann');
  await cli(config, 'user', 'create', 'bob');
  await withinOneWindow();
  const urls = (await Promise.all([startServer(config), startServer(config)])).map(({ url }) => url);
  const statuses = await Promise.all(
    Array.from({ length: 3 * FAILURES_PER_NAME }, (_, i) => guess(urls[i % 2]!, i % 3 === 0 ? 'ANN' : 'ann')),
  );
  expect(statuses.filter((status) => status === 401)).toHaveLength(FAILURES_PER_NAME);
  expect(statuses.filter((status) => status === 429)).toHaveLength(2 * FAILURES_PER_NAME);
  for (const url of urls) {
    expect(await guess(url, 'ann')).toBe(429);
    expect(await guess(url, 'bob')).toBe(401);
  }
});
