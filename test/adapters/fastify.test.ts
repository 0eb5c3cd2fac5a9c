import { readFile } from 'node:fs/promises';
import { createGunzip, gzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { parallama } from '../../src/adapters/fastify.js';
import { send, startRig } from '../support/gateway.js';
import { describeHost, HOST_HEADERS, HOST_NOT_FOUND, type Host } from './suite.js';

/** Fastify reads bodies itself; this one says that it did. */
function addParser(app: FastifyInstance): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    done(null, JSON.parse(String(text)));
  });
}

const host: Host = {
  async start(mounts, parser) {
    const app = Fastify({ forceCloseConnections: true });
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers(HOST_HEADERS);
    });
    if (parser === 'before') addParser(app);
    for (const mount of mounts) await app.register(parallama, mount);
    if (parser === 'after') addParser(app);
    // With operations at the root, the front page is the gateway's.
    const front = mounts.some(({ prefix = '', operations }) => prefix === '' && operations);
    if (!front) app.get('/', async () => 'the front page');
    app.get('/hello', async () => 'hello from the host');
    app.post('/echo', async (request) => request.body);
    app.setNotFoundHandler((_request, reply) => reply.code(404).send(HOST_NOT_FOUND));
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    return { url, close: () => app.close() };
  },
};

describeHost('Fastify 5', host);

test('the hooks of the app see requests and answers', async () => {
  const rig = await startRig();
  const app = Fastify();
  const seen: unknown[] = [];
  app.addHook('onResponse', async (request, reply) => {
    seen.push([request.url, reply.statusCode]);
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-took', '1');
  });
  await app.register(parallama, { gateway: rig.gateway, prefix: '/ai' });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const { key } = await rig.user();
  const body = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }], stream: true };
  const reply = await send(url, '/ai/openai/v1/chat/completions', { key, body });
  expect(reply.headers['x-took']).toBe('1');
  expect((await send(url, '/ai/openai/v1/models')).headers['x-took']).toBe('1');
  expect(seen).toEqual([
    ['/ai/openai/v1/chat/completions', 200],
    ['/ai/openai/v1/models', 401],
  ]);
  await app.close();
  await rig.close();
});

test('a body that a hook of the app has unpacked is read as it is now', async () => {
  const rig = await startRig();
  const app = Fastify();
  app.addHook('preParsing', async (request, _reply, payload) => {
    delete request.headers['content-encoding'];
    delete request.headers['content-length'];
    return payload.pipe(createGunzip());
  });
  await app.register(parallama, { gateway: rig.gateway });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const { key } = await rig.user();
  const hello = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] };
  const reply = await send(url, '/openai/v1/chat/completions', {
    key,
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: gzipSync(JSON.stringify(hello)),
  });
  expect(reply.status).toBe(200);
  await app.close();
  await rig.close();
});

test("an app's own wildcard stays its own", async () => {
  const rig = await startRig();
  const app = Fastify();
  await app.register(parallama, { gateway: rig.gateway });
  app.get('/*', async () => 'a single page app');
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  expect((await send(url, '/any/page')).text).toBe('a single page app');
  expect((await send(url, '/')).text).toBe('a single page app');
  expect((await send(url, '/openai/v1/models')).status).toBe(401);
  await app.close();
  await rig.close();
});

test("behind a proxy, with docs/recipes.md's setting, failed logins are the client's", async () => {
  const recipes = await readFile(new URL('../../docs/recipes.md', import.meta.url), 'utf8');
  const [, trustProxy] = /`Fastify\(\{ trustProxy: '(\w+)' \}\)`/.exec(recipes)!;
  const rig = await startRig();
  const app = Fastify({ trustProxy });
  await app.register(parallama, { gateway: rig.gateway });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const body = { username: 'nobody', password: 'a-wrong-password' };
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': '198.51.100.1, 203.0.113.7' };
  expect((await send(url, '/auth/login', { headers, body })).status).toBe(401);
  expect(rig.log.find(({ event }) => event === 'login_failed')).toMatchObject({ ip: '203.0.113.7' });
  await app.close();
  await rig.close();
});

test.each([{}, { routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true } }])(
  'slashes at the end are forgiven, whatever the app says of them: %j',
  async (options) => {
    const rig = await startRig();
    const app = Fastify(options);
    await app.register(parallama, { gateway: rig.gateway, prefix: '/ai' });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const { key } = await rig.user();
    for (const path of ['/ai/status/', '/ai/auth/keys/', '/ai/openai/v1/models/', '/ai/ollama/', '/ai/']) {
      expect([path, (await send(url, path, { key })).status]).toEqual([path, 200]);
    }
    await app.close();
    await rig.close();
  },
);
