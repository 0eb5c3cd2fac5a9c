/**
 * No way of writing a path leads past the table of routes: to what a role may not do, or to another place of Ollama.
 * In every host, as each has a router of its own.
 */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as forExpress from '../../src/adapters/express.js';
import * as forFastify from '../../src/adapters/fastify.js';
import * as forKoa from '../../src/adapters/koa.js';
import { type Rig, startRig } from '../support/gateway.js';
import { raw, request, statusOf } from './raw.js';

let rig: Rig;
let basic: string;
let admin: string;
beforeAll(async () => {
  rig = await startRig();
  basic = (await rig.user('basic')).key;
  admin = (await rig.user('admin')).key;
});
afterAll(() => rig.close());

async function listening(listener: RequestListener): Promise<{ url: string; close(): Promise<unknown> }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => server.close(resolve)) };
}

/** The gateway under `/ai`, in an app that answers 418 to all that is not the gateway's. */
const HOSTS: Record<string, () => Promise<{ url: string; prefix: string; close(): Promise<unknown> }>> = {
  'the server': async () => ({ url: rig.url, prefix: '', close: async () => {} }),
  Express: async () => {
    const app = express().use('/ai', forExpress.parallama(rig.gateway));
    app.use((_req, res) => void res.sendStatus(418));
    return { ...(await listening(app)), prefix: '/ai' };
  },
  Koa: async () => {
    const app = new Koa().use(forKoa.parallama(rig.gateway, { prefix: '/ai' }));
    app.use((ctx) => {
      ctx.status = 418;
    });
    return { ...(await listening(app.callback())), prefix: '/ai' };
  },
  Fastify: async () => {
    const app = Fastify();
    await app.register(forFastify.parallama, { gateway: rig.gateway, prefix: '/ai' });
    app.setNotFoundHandler((_request, reply) => reply.code(418).send());
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), prefix: '/ai', close: () => app.close() };
  },
};

/** Ways to write `/ollama/api/pull`, `P` being where the gateway is mounted. */
const TRICKS = [
  'P/ollama/api/%70ull',
  'P/ollama/api/../api/pull',
  'P/ollama/v1/../api/pull',
  'P/ollama/api/%2e%2e/api/pull',
  'P/ollama/api/.%2e/api/pull',
  'P/ollama/api/%252e%252e/api/pull',
  'P/ollama/api/./pull',
  'P/ollama\\api\\pull',
  'P/ollama/api\\pull',
  'P/ollama/api/tags\\..\\pull',
  'P/ollama/api/pull;x=1',
  'P/ollama/api/tags;/../pull',
  'P/ollama/api/pull%00',
  'P/ollama/api/tags%00/../pull',
  'P/ollama/api/pull%20',
  'P/ollama/api/pull%0d%0aX-A:%20b',
  'P/ollama/api/pull%23',
  'P/ollama/api/%c0%ae%c0%ae/api/pull',
  'P/ollama/api/%ef%bc%8f/pull',
  'P/ollama%2fapi%2fpull',
  'P/ollama/api/blobs/../pull',
  'P/ollama/api/blobs/%2e%2e%2fpull',
  'P/ollama/api/Pull',
  'P/ollama/api/pull#',
  'http://elsewhere.example/ollama/api/pull',
  'P/ollama/v1/%2e%2e/api/pull',
  'P/openai/v1/../../ollama/api/pull',
  'P/openai/v1/models/..%2f..%2f..%2fapi%2fpull',
  'P/api/pull',
  'P/..;/ollama/api/pull',
  `P/ollama/api/${'x/'.repeat(2_000)}../pull`,
];

/** Ways that are forgiven: the same place, with the same rights. */
const FORGIVEN = [
  'P/ollama//api/pull',
  'P/ollama/api//pull',
  'P/ollama/api/pull/',
  'P/ollama///api//pull//',
  'http://localhostP/ollama/api/pull',
  'Http://LOCALHOST:80P/ollama/api/pull?x=1',
];

describe.each(Object.keys(HOSTS))('in %s', (name) => {
  let host: { url: string; prefix: string; close(): Promise<unknown> };
  beforeAll(async () => {
    host = await HOSTS[name]!();
  });
  afterAll(() => host.close());

  async function ask(path: string, key: string) {
    rig.simulator.requests.length = 0;
    const body = '{"model":"far-away"}';
    const line = `POST ${path.replace('P', host.prefix)} HTTP/1.1`;
    const answer = await raw(
      host.url,
      request(line, [`Authorization: Bearer ${key}`, `Content-Length: ${body.length}`], body),
    );
    return { status: statusOf(answer), answer, forwarded: rig.simulator.requests.map(({ path }) => path) };
  }

  test('the plain path is known, so that the refusals below mean something', async () => {
    expect(await ask('P/ollama/api/pull', admin)).toMatchObject({ forwarded: ['/api/pull'] });
    expect(await ask('P/ollama/api/pull', basic)).toMatchObject({ status: 403, forwarded: [] });
  });

  test.each(TRICKS)('%s reaches nothing', async (path) => {
    for (const key of [basic, admin]) {
      const { status, answer, forwarded } = await ask(path, key);
      expect(forwarded).toEqual([]);
      expect([400, 403, 404, 405, 418]).toContain(status);
      expect(answer).not.toMatch(/^X-A:/im);
    }
  });

  test.each(FORGIVEN)('%s is the plain path, for those who may use it', async (path) => {
    expect(await ask(path, admin)).toMatchObject({ forwarded: ['/api/pull'] });
    expect(await ask(path, basic)).toMatchObject({ status: 403, forwarded: [] });
  });

  test.each([
    'OPTIONS *',
    'CONNECT 127.0.0.1:11434',
    'TRACE P/ollama/api/tags',
    'PROPFIND P/ollama/api/tags',
  ])('%s reaches nothing, and mirrors no credential', async (line) => {
    rig.simulator.requests.length = 0;
    const asked = request(`${line.replace('P', host.prefix)} HTTP/1.1`, [`Authorization: Bearer ${admin}`]);
    const answer = await raw(host.url, asked);
    expect(answer).not.toContain(admin);
    expect(answer).not.toMatch(/^HTTP\/1\.1 2/);
    expect(rig.simulator.requests).toEqual([]);
  });
});

test('a doubled slash at the front is forgiven in the server alone: a host app may guard its paths by their beginning', async () => {
  const guarded = express()
    .use('/openai', (_req, res) => void res.sendStatus(418))
    .use(forExpress.parallama(rig.gateway));
  guarded.use((_req, res) => void res.sendStatus(404));
  const { url, close } = await listening(guarded);
  const asked = request('GET //openai/v1/models HTTP/1.1', [`Authorization: Bearer ${basic}`]);
  expect(statusOf(await raw(rig.url, asked))).toBe(200);
  expect(statusOf(await raw(url, asked))).toBe(404);
  await close();
});

test.each([
  ['/openai/v1//chat/completions', 405],
  ['/openai/v1/v1/chat/completions', 405],
  ['/openai/v1/v1/models', 200],
  ['/openai/v1/models/', 200],
  ['/ollama//api/tags', 200],
  ['/ollama/v1/v1/models/', 200],
  ['//status', 200],
  ['/status/', 200],
  ['/openai/v1/v2/models', 404],
  ['/openai/v1/v1/v1/models', 404],
])('%s is answered %i in the server', async (path, status) => {
  const asked = request(`GET ${path} HTTP/1.1`, [`Authorization: Bearer ${basic}`]);
  expect(statusOf(await raw(rig.url, asked))).toBe(status);
});

test('a path that is too long is refused before anything looks at it', async () => {
  const answer = await raw(rig.url, request(`GET /${'a'.repeat(20_000)} HTTP/1.1`));
  expect(statusOf(answer)).toBe(431);
  expect((await raw(rig.url, request('GET /healthz HTTP/1.1'))).startsWith('HTTP/1.1 200')).toBe(true);
});
