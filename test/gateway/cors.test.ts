/** Browsers: what a page of another origin may do, and that nobody may unless it is configured. */
import Express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parallama } from '../../src/adapters/express.js';
import { type Rig, send, startRig } from '../support/gateway.js';

const APP = 'https://app.example.com';
const rigs: Rig[] = [];
let off: Rig;
let listed: Rig;
let any: Rig;

async function rigFor(origins?: string[]): Promise<Rig> {
  const rig = await startRig(origins ? { config: { server: { cors: { origins } } } } : {});
  rigs.push(rig);
  return rig;
}
beforeAll(async () => {
  off = await rigFor();
  listed = await rigFor([APP, 'http://localhost:3000']);
  any = await rigFor(['*']);
});
afterAll(() => Promise.all(rigs.map((rig) => rig.close())));

/** As openai's and Ollama's clients send them from a page. */
const HEADERS = [
  'authorization',
  'content-type',
  'openai-beta',
  'openai-organization',
  'openai-project',
  'user-agent',
  'x-request-id',
  ...['arch', 'lang', 'os', 'package-version', 'retry-count', 'runtime', 'runtime-version', 'timeout'].map(
    (name) => `x-stainless-${name}`,
  ),
].join(',');

const preflight = (rig: Rig, path: string, origin = APP) =>
  send(rig.url, path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': HEADERS,
    },
  });
const corsHeaders = (headers: object) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('with origins configured', () => {
  test.each([
    '/openai/v1/chat/completions',
    '/openai/v1/models/x',
    '/ollama/api/chat',
    '/auth/login',
    '/status',
  ])('a preflight of %s needs no key and allows all that clients send', async (path) => {
    const { status, headers, text } = await preflight(listed, path);
    expect(status).toBe(204);
    expect(text).toBe('');
    expect(headers['access-control-allow-origin']).toBe(APP);
    expect(headers['access-control-allow-headers']).toBe(HEADERS);
    expect(headers['access-control-allow-methods']).toMatch(/GET.*POST.*DELETE/);
    expect(headers.vary).toBe('origin');
  });

  test('answers, refusals included, may be read with their headers', async () => {
    const { key } = await listed.user();
    const headers = { origin: APP };
    for (const reply of [
      await send(listed.url, '/openai/v1/models', { key, headers }),
      await send(listed.url, '/openai/v1/models', { headers }),
      await send(listed.url, '/openai/v1/nothing', { headers }),
    ]) {
      expect(reply.headers['access-control-allow-origin']).toBe(APP);
      const exposed = String(reply.headers['access-control-expose-headers']).split(', ');
      expect(exposed).toEqual(expect.arrayContaining(['x-request-id', 'retry-after', 'retry-after-ms']));
      expect(exposed.filter((name) => name.startsWith('x-ratelimit-'))).toHaveLength(6);
    }
  });

  test('a stream may be read as well', async () => {
    const { key } = await listed.user();
    const body = { model: 'gpt-4', stream: true, messages: [{ role: 'user', content: 'Hello!' }] };
    const reply = await send(listed.url, '/openai/v1/chat/completions', {
      key,
      body,
      headers: { origin: APP },
    });
    expect(reply.headers['access-control-allow-origin']).toBe(APP);
    expect(reply.text).toContain('[DONE]');
  });

  test.each([
    ['app://obsidian.md', 'app://obsidian.md'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['tauri://localhost', 'tauri://localhost'],
    ['http://tauri.localhost', 'http://tauri.localhost'],
    ['chrome-extension://abcdefghijklmnop', 'chrome-extension://abcdefghijklmnop'],
    ['moz-extension://*', 'moz-extension://0a1b2c3d-1111-2222-3333-444455556666'],
    ['vscode-webview://*', 'vscode-webview://0v3b2dqk'],
    ['http://localhost:*', 'http://localhost:5173'],
    ['https://*.example.com', 'https://a.b.example.com'],
    ['file://', 'file://'],
    ['null', 'null'],
    ['https://App.Example.com/', APP],
    ['https://app.example.com:443', APP],
  ])('a configured %s lets %s in', async (configured, origin) => {
    const rig = await rigFor([configured]);
    const { headers } = await preflight(rig, '/openai/v1/chat/completions', origin);
    expect(headers['access-control-allow-origin']).toBe(origin);
  });

  test.each([
    ['https://*.example.com', 'https://example.com'],
    ['https://*.example.com', 'https://evil.com/.example.com'],
    ['https://*.example.com', 'https://aXexample.com'],
    ['http://localhost:*', 'http://localhost'],
    ['http://localhost:*', 'http://localhost:80.evil.com'],
    ['app://*', 'app://a:80'],
    ['app://*', 'xapp://a'],
    ['app://obsidian.md', 'app://obsidianXmd'],
  ])('a configured %s does not let %s in', async (configured, origin) => {
    const rig = await rigFor([configured]);
    const { headers } = await preflight(rig, '/openai/v1/chat/completions', origin);
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test.each(['/v1/chat/completions', '/openai/chat/completions', '/openai/v1/nothing', '/nowhere'])(
    'the server lets a page see that %s is 404',
    async (path) => {
      expect((await preflight(listed, path)).headers['access-control-allow-origin']).toBe(APP);
      const reply = await send(listed.url, path, { headers: { origin: APP } });
      expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([404, APP]);
    },
  );

  test.each(['https://evil.example.com', 'null', `${APP}.evil.com`])(
    '%s is allowed nothing',
    async (origin) => {
      const asked = await preflight(listed, '/openai/v1/chat/completions', origin);
      expect(asked.headers['access-control-allow-origin']).toBeUndefined();
      const { headers } = await send(listed.url, '/openai/v1/models', { headers: { origin } });
      expect(corsHeaders(headers)).toEqual([]);
      expect(headers.vary).toBe('origin');
    },
  );

  test('`*` allows everybody, without credentials', async () => {
    const { headers } = await preflight(any, '/openai/v1/chat/completions', 'https://anyone.example');
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    expect(headers.vary).toBeUndefined();
  });

  test("the client's origin never reaches Ollama, which would refuse it", async () => {
    const { key } = await listed.user();
    const body = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }], stream: false };
    const reply = await send(listed.url, '/ollama/api/chat', { key, body, headers: { origin: APP } });
    expect(reply.status).toBe(200);
    expect(listed.simulator.requests.at(-1)?.headers.origin).toBeUndefined();
  });
});

test('without origins nothing is said about them', async () => {
  const asked = await preflight(off, '/openai/v1/chat/completions');
  expect(asked.status).not.toBe(204);
  expect(corsHeaders(asked.headers)).toEqual([]);
  const { headers } = await send(off.url, '/status', { headers: { origin: APP } });
  expect(corsHeaders(headers)).toEqual([]);
});

test("in a host app the host's own headers stay as they are", async () => {
  const app = Express();
  app.use((_req, res, next) => {
    res.setHeader('access-control-allow-origin', 'https://host.example');
    next();
  });
  app.use(parallama(off.gateway));
  app.use((_req, res) => res.status(299).end());
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const ours = await send(url, '/openai/v1/models', { headers: { origin: APP } });
  expect(ours.status).toBe(401);
  expect(ours.headers['access-control-allow-origin']).toBe('https://host.example');
  expect((await send(url, '/elsewhere', { method: 'OPTIONS' })).status).toBe(299);
  await new Promise((resolve) => server.close(resolve));
});
