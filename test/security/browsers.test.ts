/** What a page in somebody's browser can do with the gateway, without being asked: nothing. */
import { createServer } from 'node:http';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as forExpress from '../../src/adapters/express.js';
import * as forFastify from '../../src/adapters/fastify.js';
import * as forKoa from '../../src/adapters/koa.js';
import { type HostApp, listening } from '../adapters/suite.js';
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

const from = (headers: Record<string, string>, by = rig) =>
  send(by.url, '/auth/login', { headers, body: { username: 'ann', password: 'a-good-password' } });

describe('accounts and administration', () => {
  test.each<[string, Record<string, string>]>([
    ['another origin', { origin: EVIL }],
    ['another origin, as its browser says', { origin: EVIL, 'sec-fetch-site': 'cross-site' }],
    ['a sibling domain', { origin: EVIL, 'sec-fetch-site': 'same-site' }],
    ['a page that hides its origin', { origin: 'null' }],
    ['an extension', { origin: 'chrome-extension://abc' }],
    ['a link of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
  ])('are refused to %s', async (_what, headers) => {
    const refused = await from(headers);
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('server.cors.origins')]);
    expect(refused.json).toMatchObject({ error: { code: 'origin_not_allowed' } });
    expect((await send(rig.url, '/admin/v1/usage', { key, headers })).status).toBe(403);
    expect((await send(rig.url, '/openai/v1/models', { key, headers })).status).toBe(200);
  });

  test.each<[string, (url: string) => Record<string, string>]>([
    ['a program', () => ({})],
    ['a page of the same origin', (url) => ({ origin: url })],
    [
      'such a page behind a proxy',
      () => ({ origin: 'https://ai.example.com', 'sec-fetch-site': 'same-origin' }),
    ],
    ['the address bar', () => ({ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' })],
  ])('are open to %s', async (_what, headers) => {
    expect((await from(headers(rig.url))).status).toBe(200);
  });

  test('are open to origins that are configured', async () => {
    await open.user('basic', 'ann');
    expect((await from({ origin: EVIL, 'sec-fetch-site': 'cross-site' }, open)).status).toBe(200);
  });

  const allow = (origin: string) => ({ 'access-control-allow-origin': origin });
  const HOSTS: Record<string, (origin: string) => Promise<HostApp>> = {
    Express: (origin) => {
      const app = express().use((_req, res, next) => void next(res.set(allow(origin)) && undefined));
      return listening(createServer(app.use(forExpress.parallama(rig.gateway))));
    },
    Koa: (origin) => {
      const app = new Koa().use((ctx, next) => {
        ctx.set(allow(origin));
        return next();
      });
      return listening(createServer(app.use(forKoa.parallama(rig.gateway)).callback()));
    },
    Fastify: async (origin) => {
      const app = Fastify();
      app.addHook('onRequest', async (_request, reply) => void reply.headers(allow(origin)));
      await app.register(forFastify.parallama, { gateway: rig.gateway });
      return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
    },
  };

  test.each(Object.keys(HOSTS))("in %s, the app's own CORS says who may", async (name) => {
    for (const [origin, status] of [
      [EVIL, 200],
      ['*', 200],
      ['https://app.example.com', 403],
    ] as const) {
      const { url, close } = await HOSTS[name]!(origin);
      const headers = { origin: EVIL, 'sec-fetch-site': 'cross-site', 'content-type': 'application/json' };
      const body = { username: 'ann', password: 'a-good-password' };
      expect([origin, (await send(url, '/auth/login', { headers, body })).status]).toEqual([origin, status]);
      await close();
    }
  });
});
