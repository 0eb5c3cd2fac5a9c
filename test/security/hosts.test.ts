/** By which names a server may be reached: a page that makes its own name lead to this machine is refused. */
import { createServer } from 'node:http';
import express from 'express';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parallama } from '../../src/adapters/express.js';
import { serve } from '../../src/adapters/server.js';
import type { ConfigInput } from '../../src/core/config.js';
import { listening } from '../adapters/suite.js';
import { type Rig, startRig } from '../support/gateway.js';
import { raw, statusOf } from './raw.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());

async function rigWith(server: ConfigInput['server']): Promise<Rig> {
  const own = await startRig({ config: { server } });
  onTestFinished(() => own.close());
  return own;
}

const ask = async (url: string, host: string, { target = '/healthz', more = '' } = {}) => {
  const answer = await raw(
    url,
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`,
  );
  return { status: statusOf(answer), answer };
};

test.each([
  'localhost',
  'LOCALHOST:8000',
  'localhost.',
  'app.localhost:3000',
  '127.0.0.1:8000',
  '127.1.2.3',
  '[::1]:8000',
  '[::ffff:127.0.0.1]',
  'host.docker.internal:8000',
  'host.containers.internal',
  '',
])('"%s" is this machine', async (host) => {
  expect((await ask(rig.url, host)).status).toBe(200);
});

test.each([
  'evil.example',
  'evil.example:8000',
  'localhost.evil.example',
  'evil-localhost',
  '127.0.0.1.evil.example',
  '127.0.0.1.nip.io',
  '192.168.1.5:8000',
  '203.0.113.7',
  '[2001:db8::1]',
])('"%s" is not, on a loopback address', async (host) => {
  for (const target of ['/healthz', '/status', '/openai/v1/models', '/ollama/api/tags', '/nowhere']) {
    const { status, answer } = await ask(rig.url, host, { target });
    expect([target, status]).toEqual([target, 403]);
    expect(answer).toContain('server.allowed_hosts');
  }
});

test.each(['localhost,evil.example', 'me@localhost', 'local host', 'localhost:port', '[::1', 'localhost/x'])(
  '"%s" is no name at all',
  async (host) => {
    expect((await ask(rig.url, host)).status).toBe(400);
  },
);

test('two Host headers are refused, also where both are right', async () => {
  for (const [first, second] of [
    ['localhost', 'evil.example'],
    ['evil.example', 'localhost'],
    ['localhost', 'localhost'],
  ] as const) {
    expect((await ask(rig.url, first, { more: `HOST: ${second}\r\n` })).status).toBe(400);
  }
});

test('a target in absolute form names the server, whatever Host says', async () => {
  expect((await ask(rig.url, 'localhost', { target: 'http://evil.example/healthz' })).status).toBe(403);
  expect((await ask(rig.url, 'localhost', { target: 'http://localhost:8000/healthz' })).status).toBe(200);
  expect((await ask(rig.url, 'localhost', { target: 'http://localhost@evil.example/healthz' })).status).toBe(
    400,
  );
});

test("the refusal is in the caller's dialect", async () => {
  expect((await ask(rig.url, 'evil.example', { target: '/ollama/api/tags' })).answer).toMatch(
    /\{"error":"This/,
  );
  expect((await ask(rig.url, 'evil.example', { target: '/openai/v1/models' })).answer).toContain(
    '"code":"host_not_allowed"',
  );
});

test('names of the server itself can be configured', async () => {
  const { url } = await rigWith({ allowed_hosts: ['ai.example.com', '*.lab.example', '[2001:db8::1]'] });
  for (const host of [
    'ai.example.com:443',
    'AI.example.com',
    'a.b.lab.example',
    '[2001:db8::1]:80',
    'localhost',
  ]) {
    expect([host, (await ask(url, host)).status]).toEqual([host, 200]);
  }
  for (const host of ['lab.example', 'xai.example.com', 'evil.example']) {
    expect([host, (await ask(url, host)).status]).toEqual([host, 403]);
  }
  const any = await rigWith({ allowed_hosts: ['*'] });
  expect((await ask(any.url, 'evil.example')).status).toBe(200);
});

test('a proxy that is trusted may pass its own name on', async () => {
  const { url } = await rigWith({ trust_proxy: 1 });
  const more = 'X-Forwarded-For: 203.0.113.7\r\n';
  expect((await ask(url, 'ai.example.com', { more })).status).toBe(200);
  expect((await ask(url, 'ai.example.com')).status).toBe(403);
  expect((await ask(rig.url, 'ai.example.com', { more })).status).toBe(403);
});

test('on an address for others any name is taken, unless names are configured', async () => {
  const on = async (gateway: Rig['gateway']) => {
    const server = await serve(gateway, { host: '0.0.0.0', port: 0 });
    onTestFinished(() => server.drain());
    return `http://127.0.0.1:${server.port}`;
  };
  const open = await on(rig.gateway);
  expect((await ask(open, 'ai.example.com')).status).toBe(200);
  const named = await on((await rigWith({ allowed_hosts: ['ai.example.com'] })).gateway);
  expect((await ask(named, 'ai.example.com')).status).toBe(200);
  // Probes of orchestrators ask by address, which no page can make its own.
  expect((await ask(named, '10.1.2.3:8000')).status).toBe(200);
  expect((await ask(named, 'evil.example')).status).toBe(403);
});

test("in a host app, names are the app's", async () => {
  const { url, close } = await listening(createServer(express().use('/ai', parallama(rig.gateway))));
  expect((await ask(url, 'evil.example', { target: '/ai/healthz' })).status).toBe(200);
  await close();
});

test.each(['ai.example.com:443', 'https://ai.example.com', 'ai example', '*.*', ''])(
  '"%s" is refused in the configuration',
  async (name) => {
    await expect(startRig({ config: { server: { allowed_hosts: [name] } } })).rejects.toThrow(
      'expected a name such as ai.example.com or *.example.com, without a port, or *',
    );
  },
);
