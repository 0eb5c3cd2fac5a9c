/** What a page in somebody's browser can do with the gateway, without being asked: nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

const EVIL = 'https://evil.example';
let rig: Rig;
let open: Rig;
let key: string;
beforeAll(async () => {
  rig = await startRig();
  open = await startRig({ config: { server: { cors: { origins: ['*', 'https://app.example.com'] } } } });
  ({ key } = await rig.user('basic', 'ann'));
});
afterAll(async () => {
  await rig.close();
  await open.close();
});

const PLACES = [
  '/',
  '/status',
  '/metrics',
  '/healthz',
  '/auth/keys',
  '/admin/v1/usage',
  '/openai/v1/models',
  '/ollama/api/tags',
  '/nowhere',
];

test.each(PLACES)('%s says nothing of origins and sets no cookie', async (path) => {
  for (const method of ['GET', 'OPTIONS', 'POST']) {
    const headers = { origin: EVIL, 'access-control-request-method': 'POST', cookie: 'session=1' };
    const reply = await send(rig.url, path, { method, key, headers });
    expect(Object.keys(reply.headers).filter((name) => /^access-control|cookie/.test(name))).toEqual([]);
    if (method === 'OPTIONS') expect([401, 404, 405]).toContain(reply.status);
  }
});

test('a login, a registration and a refresh set no cookie', async () => {
  const body = { username: 'bob', password: 'a-good-password' };
  const replies = [
    await send(rig.url, '/auth/register', { body }),
    await send(rig.url, '/auth/login', { body }),
  ];
  const { refresh_token } = replies[1]!.json as { refresh_token: string };
  replies.push(await send(rig.url, '/auth/token', { body: { refresh_token } }));
  for (const { status, headers } of replies) {
    expect(status).toBeLessThan(300);
    expect(headers['set-cookie']).toBeUndefined();
    expect(headers['cache-control']).toBe('no-store');
  }
});

test('credentials of a browser are never asked for, with any origins configured', async () => {
  for (const origin of [EVIL, 'https://app.example.com', 'null']) {
    const headers = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    for (const method of ['OPTIONS', 'GET']) {
      const reply = await send(open.url, '/openai/v1/models', { method, headers });
      expect(reply.headers['access-control-allow-credentials']).toBeUndefined();
    }
  }
});

test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
  'a form of another page (%s) does nothing that needs a user',
  async (type) => {
    const headers = { 'content-type': type, origin: EVIL, cookie: `access_token=${key}` };
    for (const [path, body] of [
      ['/auth/keys', '{"name":"stolen"}'],
      ['/auth/logout', '{"refresh_token":"rt_x"}'],
      ['/ollama/api/pull', '{"model":"evil"}'],
      ['/openai/v1/chat/completions', '{"model":"llama2","messages":[]}'],
    ] as const) {
      expect((await send(rig.url, path, { headers, body })).status).toBe(401);
    }
  },
);

test('answers are JSON, and never a page, also where they repeat what was written', async () => {
  const script = '<script>alert(1)</script>';
  const replies = [
    await send(rig.url, `/openai/v1/${encodeURIComponent(script)}`),
    await send(rig.url, `/${script}`),
    await send(rig.url, '/openai/v1/chat/completions', {
      key,
      headers: { accept: 'text/html' },
      body: { model: script, messages: [{ role: 'user', content: 'a' }] },
    }),
    await send(rig.url, '/auth/register', { body: { username: script, password: 'a-good-password' } }),
  ];
  for (const { headers } of replies) expect(headers['content-type']).toMatch(/^application\/json/);
});
