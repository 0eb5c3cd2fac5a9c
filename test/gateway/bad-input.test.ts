/** What is wrong is told in the caller's dialect, and costs nothing: no quota, and no request to Ollama. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Reply, type Rig, type SendOptions, send, startRig } from '../support/gateway.js';

const BODY_LIMIT = 200_000;
let rig: Rig;
let user: Awaited<ReturnType<Rig['user']>>;
beforeAll(async () => {
  const api_gateways = { ollama: { default_model: undefined } };
  rig = await startRig({ config: { server: { body_limit: BODY_LIMIT }, api_gateways } });
  user = await rig.user();
});
afterAll(() => rig.close());

const MESSAGES = [{ role: 'user', content: 'Hello!' }];
const CHAT = '/openai/v1/chat/completions';

/** Everything that reads a body, and a body that it likes. */
const GOOD: Record<string, object> = {
  [CHAT]: { model: 'gpt-4', messages: MESSAGES },
  '/openai/v1/completions': { model: 'gpt-4', prompt: 'Hello!' },
  '/openai/v1/embeddings': { model: 'nomic-embed-text', input: 'one' },
  '/ollama/v1/chat': { model: 'llama2', messages: MESSAGES },
  '/ollama/v1/generate': { model: 'llama2', prompt: 'Hello!' },
  '/ollama/api/chat': { model: 'llama2', messages: MESSAGES, stream: false },
  '/ollama/api/generate': { model: 'llama2', prompt: 'Hello!', stream: false },
  '/ollama/api/embed': { model: 'nomic-embed-text', input: 'one' },
  '/ollama/api/embeddings': { model: 'nomic-embed-text', prompt: 'one' },
  '/ollama/api/show': { model: 'llama2' },
};
const PATHS = Object.keys(GOOD);

interface OpenAIError {
  error: { message: string; type: string; param: string | null; code: string | null };
}

/** The error's message, read as a client of that path reads it. */
function messageOf(path: string, reply: Reply): string {
  expect(reply.headers['content-type']).toMatch(/^application\/json/);
  if (path.startsWith('/ollama')) {
    expect(reply.json).toEqual({ error: expect.any(String) });
    return (reply.json as { error: string }).error;
  }
  expect(reply.json).toEqual({
    error: { message: expect.any(String), type: expect.any(String), ...nullable(reply.json) },
  });
  return (reply.json as OpenAIError).error.message;
}

function nullable(json: unknown): { param: string | null; code: string | null } {
  const { param, code } = (json as OpenAIError).error;
  for (const value of [param, code]) expect(value === null || typeof value === 'string').toBe(true);
  return { param, code };
}

/** What the user's requests have cost so far, and what is held. */
async function spent(): Promise<unknown> {
  const now = new Date().toISOString();
  const keys = ['ollama', 'openai'].flatMap((gateway) =>
    ['tokens', 'requests'].flatMap((counts) => [
      `${gateway}:${counts}:hour:${now.slice(0, 13)}`,
      `${gateway}:${counts}:day:${now.slice(0, 10)}`,
    ]),
  );
  return rig.store.counters(user.id, keys);
}

/** Sends it, and expects that Ollama heard nothing of it and nobody was charged. */
async function refused(path: string, options: SendOptions): Promise<Reply> {
  const before = await spent();
  const asked = rig.simulator.requests.length;
  const reply = await send(rig.url, path, { key: user.key, method: 'POST', ...options });
  expect(rig.simulator.requests.length).toBe(asked);
  expect(await spent()).toEqual(before);
  return reply;
}

describe('a body', () => {
  test.each(
    PATHS.flatMap((path) =>
      [
        ['none', undefined],
        ['blank', ' \n '],
        ['broken', '{"model": "llama2", '],
        ['JSON with something after it', '{} {}'],
        ['null', 'null'],
        ['a list', '[]'],
        ['a text', '"x"'],
        ['a number', '1'],
        ['empty', '{}'],
        ['compressed without saying so', gzipSync('{}')],
      ].map(([what, body]) => [path, what, body] as const),
    ),
  )('of %s that is %s', async (path, _what, body) => {
    const reply = await refused(path, { body });
    expect(reply.status).toBe(400);
    expect(messageOf(path, reply)).not.toBe('');
  });

  test.each<[path: string, change: object, param: string]>([
    [CHAT, { model: 1 }, 'model'],
    [CHAT, { model: '' }, 'model'],
    [CHAT, { messages: 'Hello!' }, 'messages'],
    [CHAT, { messages: [] }, 'messages'],
    [CHAT, { messages: ['Hello!'] }, 'messages[0]'],
    [CHAT, { messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
    [CHAT, { messages: [{ role: 'king', content: 'Hello!' }] }, 'messages[0].role'],
    [CHAT, { stream: 'yes' }, 'stream'],
    [CHAT, { max_tokens: 0 }, 'max_tokens'],
    [CHAT, { max_tokens: '10' }, 'max_tokens'],
    [CHAT, { temperature: 2.1 }, 'temperature'],
    [CHAT, { n: 0 }, 'n'],
    [CHAT, { stop: [1] }, 'stop[0]'],
    [CHAT, { tools: [{ type: 'custom' }] }, 'tools[0].type'],
    ['/openai/v1/completions', { prompt: [1, 2, 3] }, 'prompt'],
    ['/openai/v1/embeddings', { input: 7 }, 'input'],
    ['/openai/v1/embeddings', { encoding_format: 'hex' }, 'encoding_format'],
  ])('of %s with %j names %s', async (path, change, param) => {
    const reply = await refused(path, { body: { ...GOOD[path], ...change } });
    expect(reply.status).toBe(400);
    expect((reply.json as OpenAIError).error).toMatchObject({ type: 'invalid_request_error', param });
  });

  test.each<[path: string, change: object, word: string]>([
    ['/ollama/api/chat', { model: 7 }, 'model'],
    ['/ollama/api/chat', { messages: {} }, 'messages'],
    ['/ollama/api/chat', { options: { num_ctx: '8k' } }, 'num_ctx'],
    ['/ollama/api/chat', { options: { stop: 'x' } }, 'stop'],
    ['/ollama/api/chat', { format: 'xml' }, 'format'],
    ['/ollama/api/chat', { keep_alive: 'soon' }, 'keep_alive'],
    ['/ollama/api/chat', { think: 'hard' }, 'think'],
    ['/ollama/api/generate', { prompt: ['a'] }, 'prompt'],
    ['/ollama/api/generate', { images: ['not base64!'] }, 'images'],
    ['/ollama/v1/chat', { parameters: { max_tokens: 0 } }, 'max_tokens'],
    ['/ollama/v1/chat', { parameters: 'warm' }, 'parameters'],
    ['/ollama/v1/generate', { prompt: '' }, 'prompt'],
    ['/ollama/v1/generate', { parameters: { temperature: 2.1 } }, 'temperature'],
  ])('of %s with %j names %s', async (path, change, word) => {
    const reply = await refused(path, { body: { ...GOOD[path], ...change } });
    expect(reply.status).toBe(400);
    expect(messageOf(path, reply)).toContain(word);
  });

  test.each(PATHS)('of %s for a model that is not there is 404, and free', async (path) => {
    const before = await spent();
    const reply = await send(rig.url, path, {
      key: user.key,
      body: { ...GOOD[path], model: 'no-such-model' },
    });
    expect(reply.status).toBe(404);
    expect(messageOf(path, reply)).toContain('no-such-model');
    expect(await spent()).toEqual(before);
  });

  test('any content type will do, and none', async () => {
    for (const path of PATHS) {
      for (const type of [undefined, 'application/x-www-form-urlencoded', 'text/plain']) {
        const headers = type ? { 'content-type': type } : undefined;
        expect((await send(rig.url, path, { key: user.key, headers, body: GOOD[path] })).status).toBe(200);
      }
    }
  });
});

describe('keys of a body', () => {
  const asked = () => rig.simulator.requests.at(-1)?.body as Record<string, unknown>;

  test.each(PATHS)('of %s count in their exact case, and others are never passed on', async (path) => {
    const body = { ...GOOD[path], MODEL: 'llama2:70b', Name: 'llama2:70b', OPTIONS: { num_predict: -1 } };
    expect((await send(rig.url, path, { key: user.key, body })).status).toBe(200);
    expect(Object.keys(asked())).not.toContain('MODEL');
    expect(JSON.stringify(asked())).not.toMatch(/"(MODEL|Name|OPTIONS)"/);

    const { model, ...rest } = GOOD[path] as { model: string };
    expect((await refused(path, { body: { ...rest, MODEL: model } })).status).toBe(400);
  });

  test.each(PATHS)('of %s that are called like the prototype do nothing', async (path) => {
    const good = JSON.stringify(GOOD[path]);
    const evil = `{"__proto__":{"model":"llama2:70b","stream":true,"polluted":1},"constructor":{"prototype":{"polluted":1}},${good.slice(1)}`;
    const reply = await send(rig.url, path, { key: user.key, body: evil });
    expect(reply.status).toBe(200);
    expect(JSON.stringify(asked())).not.toMatch(/polluted|__proto__/);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('a role is checked for the model that is asked for, in any of its places', async () => {
    const body = `{"model":"llama2","__proto__":{"name":"llama2:70b"},"options":{"__proto__":{"num_ctx":1}},"messages":[{"role":"user","content":"Hello!","__proto__":{"images":["x"]}}],"stream":false}`;
    expect((await send(rig.url, '/ollama/api/chat', { key: user.key, body })).status).toBe(200);
    expect(asked()).toMatchObject({ model: 'llama2', messages: MESSAGES });
  });
});

describe('a credential', () => {
  const everywhere = [...PATHS, '/ollama/api/tags', '/openai/v1/models', '/admin/v1/usage', '/auth/keys'];

  test.each(everywhere)('is wanted by %s', async (path) => {
    for (const authorization of [undefined, 'Basic dXNlcjpwYXNz', 'Bearer', 'Bearer ']) {
      const headers: Record<string, string> = authorization ? { authorization } : {};
      const reply = await refused(path, { key: undefined, headers, body: GOOD[path] });
      expect(reply.status).toBe(401);
      expect(messageOf(path, reply)).toMatch(/API key/);
    }
  });

  test.each(everywhere)('that is wrong is refused by %s, and not repeated', async (path) => {
    const wrong = `${user.key.slice(0, -1)}${user.key.endsWith('A') ? 'B' : 'A'}`;
    for (const key of [wrong, 'sk-something-else-entirely', 'a.b.c']) {
      const reply = await refused(path, { key, body: GOOD[path] });
      expect(reply.status).toBe(401);
      expect(messageOf(path, reply)).not.toContain(key);
    }
  });

  test('that is a refresh token, or has expired, is told so', async () => {
    const short = await startRig({ config: { auth: { access_token_ttl: 1 } } });
    const { username } = await short.user();
    const login = { username, password: 'a-good-password' };
    const tokens = (await send(short.url, '/auth/login', { body: login })).json as Record<string, string>;
    const ask = (key = '') => send(short.url, CHAT, { key, body: GOOD[CHAT] });
    expect((await ask(tokens.access_token)).status).toBe(200);

    const refresh = await ask(tokens.refresh_token);
    expect(refresh.status).toBe(401);
    expect(refresh.json).toMatchObject({
      error: { code: 'invalid_token', message: expect.stringContaining('refresh token') },
    });
    await sleep(2_100);
    const expired = await ask(tokens.access_token);
    expect(expired.status).toBe(401);
    expect(expired.json).toMatchObject({ error: { code: 'token_expired' } });
    await short.close();
  });
});

describe('a body that is too large', () => {
  const large = JSON.stringify({ ...GOOD[CHAT], padding: 'x'.repeat(BODY_LIMIT) });

  test.each(PATHS)('is 413 in the dialect of %s', async (path) => {
    const body = { ...GOOD[path], padding: 'x'.repeat(BODY_LIMIT) };
    for (const framing of ['', 'chunked']) {
      const headers: Record<string, string> = framing ? { 'transfer-encoding': framing } : {};
      const reply = await refused(path, { headers, body });
      expect(reply.status).toBe(413);
      expect(messageOf(path, reply)).toContain(String(BODY_LIMIT));
    }
  });

  test('reaches a client that sends all before it reads', async () => {
    const headers = { authorization: `Bearer ${user.key}` };
    const reply = await fetch(rig.url + CHAT, { method: 'POST', headers, body: large.repeat(20) });
    expect(reply.status).toBe(413);
    expect(await reply.json()).toMatchObject({ error: { code: 'request_too_large' } });
  });

  test.each<[string, Record<string, string>]>([
    ['without a length', {}],
    ['with a length', { 'content-length': String(50 * BODY_LIMIT) }],
  ])('reaches a client that is still sending, %s', async (_, framing) => {
    const { hostname, port } = new URL(rig.url);
    const headers = { authorization: `Bearer ${user.key}`, ...framing };
    const req = httpRequest({ hostname, port, path: CHAT, method: 'POST', headers, agent: false });
    req.on('error', () => {});
    const response = once(req, 'response') as Promise<[IncomingMessage]>;
    let answered = false;
    void response.then(() => {
      answered = true;
    });
    for (let sent = 0; !answered && sent < 45; sent += 1) {
      req.write('x'.repeat(BODY_LIMIT));
      await sleep(2);
    }
    const [res] = await response;
    expect(res.statusCode).toBe(413);
    let text = '';
    for await (const chunk of res) text += String(chunk);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'request_too_large' } });
    req.destroy();
  });

  test('is not waited for where the headers are enough to refuse it', async () => {
    const { hostname, port } = new URL(rig.url);
    for (const [path, key, status] of [
      [CHAT, 'wrong', 401],
      [CHAT, user.key, 413],
      ['/ollama/api/create', user.key, 403],
      ['/openai/v1/nothing', user.key, 404],
    ] as const) {
      const headers = { authorization: `Bearer ${key}`, 'content-length': '999999' };
      const req = httpRequest({ hostname, port, path, method: 'POST', headers, agent: false });
      req.on('error', () => {});
      req.flushHeaders();
      const [res] = (await once(req, 'response')) as [IncomingMessage];
      expect([path, res.statusCode]).toEqual([path, status]);
      res.resume();
      req.destroy();
    }
  });
});

describe('paths', () => {
  test.each([
    ['/openai/v1/nothing', 'openai'],
    ['/openai/v1/', 'openai'],
    ['/openai/v1/chat/completions/chatcmpl-1', 'openai'],
    ['/nothing', 'openai'],
    ['/openai', 'openai'],
    ['/OPENAI/v1/models', 'openai'],
    ['/openai/v1/%6dodels', 'openai'],
    ['/ollama/nothing', 'ollama'],
    ['/ollama/api', 'ollama'],
    ['/ollama/api/', 'ollama'],
    ['/ollama/api/PULL', 'ollama'],
    ['/ollama/api/%70ull', 'ollama'],
    ['/ollama/api/../api/pull', 'ollama'],
    ['/ollama/api/../v1/models', 'ollama'],
    ['/ollama/api/%2e%2e/api/pull', 'ollama'],
    ['/ollama/api/blobs/../pull', 'ollama'],
    ['/ollama/api/blobs/..%2fpull', 'ollama'],
    ['/ollama/api/blobs/%zz', 'ollama'],
    ['/ollama/api/tags/x', 'ollama'],
    ['/ollama/api/tags;x', 'ollama'],
    ['/ollama/api/me', 'ollama'],
    ['/ollama/api/signout', 'ollama'],
    ['/ollama/api/status', 'ollama'],
    ['/ollama/api/experimental/web_search', 'ollama'],
    ['/ollama/v1/chat/completions', 'ollama'],
  ])('%s is nowhere, for an admin too', async (path, dialect) => {
    const admin = await rig.user('admin');
    for (const method of ['GET', 'POST', 'DELETE', 'HEAD']) {
      const reply = await refused(path, { key: admin.key, method });
      expect([method, reply.status]).toEqual([method, 404]);
      if (method !== 'HEAD') messageOf(dialect === 'ollama' ? '/ollama' : '/', reply);
    }
  });

  test.each([
    ['GET', CHAT],
    ['PUT', '/openai/v1/completions'],
    ['POST', '/openai/v1/models'],
    ['DELETE', '/openai/v1/models/gpt-4'],
    ['GET', '/ollama/api/chat'],
    ['POST', '/ollama/api/tags'],
    ['DELETE', '/ollama/v1/models'],
    ['GET', '/auth/login'],
    ['PATCH', '/auth/keys'],
  ])('%s %s is 405, with the methods there are', async (method, path) => {
    const reply = await refused(path, { method });
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toMatch(/GET|POST|DELETE/);
    expect(reply.headers.allow).not.toContain(method);
    messageOf(path, reply);
  });

  test('a query changes nothing and goes nowhere', async () => {
    const { key } = user;
    expect((await send(rig.url, '/ollama/api/tags?x=/api/pull', { key })).status).toBe(200);
    expect(rig.simulator.requests.at(-1)?.path).toBe('/api/tags');
    expect((await send(rig.url, `${CHAT}?api-version=1`, { key, body: GOOD[CHAT] })).status).toBe(200);
    expect(rig.simulator.requests.at(-1)?.path).toBe('/api/chat');
    expect((await refused('/ollama/api/pull?x=1', { body: { model: 'mistral' } })).status).toBe(403);
    expect((await refused('/ollama/api/pull?/../tags', { method: 'HEAD' })).status).toBe(403);
  });
});

describe('encodings', () => {
  const packed = gzipSync(JSON.stringify(GOOD[CHAT]));
  const gzip = { 'content-encoding': 'gzip' };

  test('gzip is read', async () => {
    const reply = await send(rig.url, CHAT, { key: user.key, headers: gzip, body: packed });
    expect(reply.status).toBe(200);
  });

  test.each<[what: string, headers: Record<string, string>, body: Buffer, status: number]>([
    ['broken gzip', gzip, Buffer.from('no gzip at all'), 400],
    ['half of a gzip', gzip, packed.subarray(0, packed.length - 12), 400],
    ['a bomb', gzip, gzipSync(Buffer.alloc(20_000_000)), 413],
    ['an unknown encoding', { 'content-encoding': 'snappy' }, packed, 415],
    ['gzip twice', { 'content-encoding': 'gzip, gzip' }, gzipSync(packed), 415],
  ])('%s is told in each dialect', async (_what, headers, body, status) => {
    for (const path of [CHAT, '/ollama/api/chat', '/ollama/v1/chat']) {
      const reply = await refused(path, { headers, body });
      expect(reply.status).toBe(status);
      messageOf(path, reply);
    }
  });
});

describe('headers', () => {
  test('Expect: 100-continue is answered', async () => {
    const { hostname, port } = new URL(rig.url);
    const body = JSON.stringify(GOOD[CHAT]);
    const headers = {
      authorization: `Bearer ${user.key}`,
      expect: '100-continue',
      'content-length': String(Buffer.byteLength(body)),
    };
    const req = httpRequest({ hostname, port, path: CHAT, method: 'POST', headers, agent: false });
    req.flushHeaders();
    await once(req, 'continue');
    req.end(body);
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    expect(res.statusCode).toBe(200);
    res.resume();
  });

  test('of the client do not reach Ollama, whatever is asked', async () => {
    const admin = await rig.user('admin');
    const headers = {
      origin: 'https://evil.example',
      cookie: 'session=secret',
      referer: 'https://evil.example/page',
      'x-api-key': 'secret',
      'x-forwarded-for': '1.2.3.4',
      'x-request-id': 'mine-1',
      'sec-fetch-mode': 'cors',
      'user-agent': 'secret/1',
      'accept-encoding': 'gzip',
      te: 'trailers',
    };
    rig.simulator.requests.length = 0;
    for (const path of PATHS) {
      expect((await send(rig.url, path, { key: admin.key, headers, body: GOOD[path] })).status).toBe(200);
    }
    for (const path of ['/ollama/api/tags', '/ollama/api/ps', '/ollama/api/version']) {
      expect((await send(rig.url, path, { key: admin.key, headers })).status).toBe(200);
    }
    const pull = { name: 'mistral' };
    expect((await send(rig.url, '/ollama/api/pull', { key: admin.key, headers, body: pull })).status).toBe(
      200,
    );
    expect(rig.simulator.requests).toHaveLength(PATHS.length + 4);
    const own = ['host', 'connection', 'content-type', 'content-length', 'transfer-encoding'];
    for (const request of rig.simulator.requests) {
      expect(request.headers.host).toBe(`127.0.0.1:${rig.simulator.port}`);
      expect(Object.keys(request.headers).filter((name) => !own.includes(name))).toEqual([]);
    }
  });

  test('x-request-id comes back where it is sane, and is made where it is not', async () => {
    const { key } = user;
    for (const id of ['abc-1', 'req_1234.5:6', 'a'.repeat(128)]) {
      for (const path of ['/openai/v1/models', '/openai/v1/nothing', '/healthz']) {
        const reply = await send(rig.url, path, { key, headers: { 'x-request-id': id } });
        expect(reply.headers['x-request-id']).toBe(id);
      }
    }
    for (const id of ['', 'a b', '<script>', 'a'.repeat(129), 'ü', '"']) {
      const reply = await send(rig.url, '/openai/v1/models', { key, headers: { 'x-request-id': id } });
      expect(reply.headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
    }
    expect((await send(rig.url, '/nowhere', {})).headers['x-request-id']).toMatch(/^req_/);
  });
});
