/** What every adapter must do, over real sockets: one suite, run on each host. */
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MAX_PIPELINED } from '../../src/adapters/turns.js';
import type { Gateway } from '../../src/core/gateway.js';
import { type Rig, send, startRig, until } from '../support/gateway.js';

export interface Mount {
  gateway: Gateway;
  /** At the root where absent. */
  prefix?: string;
  operations?: boolean;
}

/** Where the host reads JSON bodies, seen from the gateway. */
export type Parser = 'none' | 'before' | 'after';

export interface HostApp {
  url: string;
  close(): Promise<void>;
}

/**
 * A host app with a life of its own: every answer of it carries `x-host: app` and CORS, `GET /` and `GET /hello` are
 * its routes, `POST /echo` (where it reads bodies) gives back what was parsed, and its 404 is {@link HOST_NOT_FOUND}.
 */
export interface Host {
  start(mounts: Mount[], parser: Parser): Promise<HostApp>;
}

export const HOST_NOT_FOUND = { host: 'nothing here' };
export const HOST_HEADERS = { 'x-host': 'app', 'access-control-allow-origin': 'https://app.example' };

/** Bytes; above what hosts' own parsers accept by default. */
const BODY_LIMIT = 2_000_000;
/** Milliseconds. That it is a tenth of that on a quiet machine, test/gateway/departures.test.ts holds us to. */
const SOON = 1_000;
const HELLO = { model: 'gpt-4', messages: [{ role: 'user', content: 'Hello!' }] };
const COUNT = { model: 'gpt-4', messages: [{ role: 'user', content: 'Count from 1 to 300' }] };
const GREETING = 'Hi! How can I help you today?';
const CHAT = '/openai/v1/chat/completions';

/** Listens on a free port of loopback. */
export async function listening(server: Server): Promise<HostApp> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** @param host absent for the standalone server, which is its own host */
export function describeHost(name: string, host?: Host): void {
  describe(name, () => {
    let rig: Rig;
    const apps: HostApp[] = [];
    beforeAll(async () => {
      rig = await startRig({ config: { server: { body_limit: BODY_LIMIT } } });
    });
    afterEach(async () => {
      rig.simulator.pace = 0;
      rig.simulator.firstToken = 0;
      for (const app of apps.splice(0)) await app.close();
    });
    afterAll(() => rig.close());

    async function app(mount: Omit<Mount, 'gateway'> = {}, parser: Parser = 'none'): Promise<string> {
      if (!host) return rig.url;
      const started = await host.start([{ gateway: rig.gateway, ...mount }], parser);
      apps.push(started);
      return started.url;
    }

    const places: [prefix: string, parser: Parser][] = [
      ['', 'none'],
      ['', 'before'],
      ['', 'after'],
      ['/ai', 'none'],
      ['/ai', 'before'],
      ['/ai', 'after'],
      ['/deep/er', 'none'],
    ];
    if (!host) places.length = 1;

    test.each(places)('answers under "%s", body parser: %s', async (prefix, parser) => {
      const url = await app({ prefix }, parser);
      const { key } = await rig.user();
      const headers = { 'content-type': 'application/json' };
      const whole = await send(url, `${prefix}${CHAT}`, { key, headers, body: HELLO });
      expect(whole.status).toBe(200);
      expect(whole.json).toMatchObject({ choices: [{ message: { content: GREETING } }] });

      const stream = await send(url, `${prefix}${CHAT}`, { key, headers, body: { ...HELLO, stream: true } });
      expect(stream.status).toBe(200);
      expect(stream.headers['content-type']).toContain('text/event-stream');
      expect(stream.text.endsWith('data: [DONE]\n\n')).toBe(true);

      const native = { model: 'llama2', messages: HELLO.messages };
      const lines = await send(url, `${prefix}/ollama/api/chat`, { key, headers, body: native });
      expect(lines.headers['content-type']).toBe('application/x-ndjson');
      expect(lines.text).toContain('"done":true');

      expect((await send(url, `${prefix}/openai/v1/models?x=1`, { key })).status).toBe(200);
      expect((await send(url, `${prefix}/auth/login`, { headers, body: {} })).status).toBe(400);
      expect((await send(url, `${prefix}/ollama/api/tags`)).json).toEqual({ error: expect.any(String) });
    });

    test("what lies under the gateway's own paths is its 404, in the caller's dialect", async () => {
      const url = await app();
      expect((await send(url, '/openai/v1/nothing')).json).toMatchObject({
        error: { message: 'Invalid URL (GET /openai/v1/nothing)' },
      });
      expect((await send(url, '/ollama/nothing')).json).toEqual({ error: 'path not found' });
    });

    test('a stream arrives piece by piece', async () => {
      const url = await app();
      const { key } = await rig.user();
      rig.simulator.pace = 10;
      const known = rig.simulator.requests.length;
      const { response } = open(url, CHAT, key, { ...COUNT, stream: true });
      const res = await response;
      const pieces: string[] = [];
      for await (const piece of res) {
        pieces.push(String(piece));
        if (pieces.length === 5) {
          expect(rig.simulator.requests[known]?.state).toBe('running');
          rig.simulator.pace = 0;
        }
      }
      expect(pieces.length).toBeGreaterThanOrEqual(5);
      expect(pieces.join('').endsWith('data: [DONE]\n\n')).toBe(true);
    });

    test.each([true, false])(
      'a client that leaves before any answer stops Ollama, stream: %s',
      async (stream) => {
        const url = await app();
        const { key } = await rig.user();
        rig.simulator.firstToken = 20_000;
        const known = rig.simulator.requests.length;
        const { req } = open(url, CHAT, key, { ...COUNT, stream });
        const seen = await until(
          () => rig.simulator.requests[known]?.body !== undefined && rig.simulator.requests[known],
        );
        req.destroy();
        await until(() => seen.abortedAt !== undefined, SOON);
      },
    );

    test('a client that leaves mid-stream stops Ollama', async () => {
      const url = await app();
      const { key, id } = await rig.user();
      rig.simulator.pace = 5;
      const known = rig.simulator.requests.length;
      const { req, response } = open(url, CHAT, key, { ...COUNT, stream: true });
      const res = await response;
      res.on('error', () => {});
      res.resume();
      const seen = await until(
        () => (rig.simulator.requests[known]?.generated ?? 0) > 5 && rig.simulator.requests[known],
      );
      req.destroy();
      await until(() => seen.abortedAt !== undefined, SOON);
      const record = await until(() => rig.log.find((line) => line.log === 'usage' && line.user === id));
      expect(record.state).toBe('aborted');
    });

    test('requests in one packet are begun one after another, in their order', async () => {
      const url = await app();
      const { key, id } = await rig.user();
      rig.simulator.pace = 5;
      const known = rig.simulator.requests.length;
      const socket = rawConnection(url);
      const body = { model: 'gpt-4', messages: HELLO.messages };
      const bodies = Array.from({ length: 5 }, (_, i) => ({ ...body, max_tokens: 5 + i }));
      socket.write(bodies.map((one) => rawPost(url, key, one)).join(''));
      const mine = () => rig.simulator.requests.slice(known);
      await until(() => {
        expect(mine().filter(({ state }) => state === 'running').length).toBeLessThanOrEqual(1);
        return mine().length === 5 && mine().every(({ state }) => state !== 'running');
      });
      expect(
        mine().map(({ body }) => (body as { options: { num_predict: number } }).options.num_predict),
      ).toEqual([5, 6, 7, 8, 9]);
      await until(() => rig.log.filter((line) => line.log === 'usage' && line.user === id).length === 5);
      socket.destroy();
    });

    test('a client that leaves stops its answer, and what it has pipelined is never begun', async () => {
      const url = await app();
      const { key, id } = await rig.user();
      rig.simulator.pace = 5;
      const known = rig.simulator.requests.length;
      const socket = rawConnection(url);
      socket.write(rawPost(url, key, { ...COUNT, stream: true }).repeat(4));
      const mine = () => rig.simulator.requests.slice(known);
      await until(() => mine().some(({ generated }) => generated > 5));
      socket.destroy();
      await until(() => mine().every(({ state }) => state === 'aborted'), SOON);
      await until(() => rig.log.some((line) => line.log === 'usage' && line.user === id));
      expect(mine()).toHaveLength(1);
      expect((await rig.history(id))[0]).toMatchObject({ requests: 1, aborted: 1 });
    });

    test('a client that pipelines more than the connection may have waiting is disconnected', async () => {
      const url = await app();
      const { key } = await rig.user();
      rig.simulator.pace = 20;
      const known = rig.simulator.requests.length;
      const enough = rawConnection(url);
      enough.write(rawPost(url, key, HELLO).repeat(1 + MAX_PIPELINED));
      await until(() => rig.simulator.requests.length > known);
      const tooMany = rawConnection(url);
      tooMany.write(rawPost(url, key, HELLO).repeat(2 + MAX_PIPELINED));
      await once(tooMany, 'close');
      expect(enough.destroyed).toBe(false);
      rig.simulator.pace = 0;
      let text = '';
      enough.on('data', (piece: Buffer) => {
        text += String(piece);
      });
      await until(() => text.match(/HTTP\/1.1 200 /g)?.length === 1 + MAX_PIPELINED);
      enough.destroy();
    });

    test('HEAD has the headers and no body', async () => {
      const url = await app();
      const { key } = await rig.user();
      for (const path of ['/openai/v1/models', '/ollama/api/tags', '/ollama', '/ollama/']) {
        const head = await send(url, path, { method: 'HEAD', key });
        const get = await send(url, path, { key });
        expect([path, head.status, head.text]).toEqual([path, 200, '']);
        expect(head.headers['content-type']).toBe(get.headers['content-type']);
      }
      const list = await send(url, '/openai/v1/models', { key });
      const head = await send(url, '/openai/v1/models', { method: 'HEAD', key });
      expect(head.headers['content-length']).toBe(list.headers['content-length']);
      expect((await send(url, '/ollama/api/pull', { method: 'HEAD', key })).status).toBe(403);
    });

    test('HEAD of a blob is answered, time after time', async () => {
      const url = await app();
      const admin = await rig.user('admin');
      for (let times = 0; times < 5; times += 1) {
        const blob = `/ollama/api/blobs/sha256:${'0'.repeat(64)}`;
        const { status, text } = await send(url, blob, { method: 'HEAD', key: admin.key });
        expect({ status, text }).toEqual({ status: 404, text: '' });
      }
    });

    test('204 has neither body nor length', async () => {
      const url = await app();
      const { key } = await rig.user();
      const created = await send(url, '/auth/keys', { method: 'POST', key });
      const { id } = created.json as { id: string };
      const gone = await send(url, `/auth/keys/${id}`, { method: 'DELETE', key });
      expect([gone.status, gone.text, gone.headers['content-length']]).toEqual([204, '', undefined]);
    });

    test("the gateway's limit for bodies holds, and not the host's", async () => {
      const url = await app();
      const { key } = await rig.user();
      const padded = (bytes: number) => ({ ...HELLO, padding: 'x'.repeat(bytes) });
      expect((await send(url, CHAT, { key, body: padded(BODY_LIMIT - 1_000) })).status).toBe(200);
      for (const framing of ['', 'chunked']) {
        const headers: Record<string, string> = framing ? { 'transfer-encoding': framing } : {};
        const refused = await send(url, CHAT, { key, headers, body: padded(BODY_LIMIT) });
        expect(refused.status).toBe(413);
        expect(refused.json).toMatchObject({ error: { code: 'request_too_large' } });
      }
    });

    test.each([413, 401])('%i reaches a client that reads nothing before it has sent all', async (status) => {
      const url = await app();
      const { key } = await rig.user();
      const { hostname, port } = new URL(url);
      const size = 4 * BODY_LIMIT;
      const socket = connect(Number(port), hostname);
      socket.write(
        [
          `POST ${CHAT} HTTP/1.1`,
          `host: ${hostname}:${port}`,
          `authorization: Bearer ${status === 401 ? 'wrong' : key}`,
          `content-length: ${size}`,
          'connection: close',
          '\r\n',
        ].join('\r\n'),
      );
      for (let sent = 0; sent < size; sent += 100_000) {
        if (!socket.write(Buffer.alloc(100_000))) await once(socket, 'drain');
      }
      let text = '';
      for await (const piece of socket) text += String(piece);
      expect(text).toContain(`HTTP/1.1 ${status}`);
      expect(text).toContain('"error"');
    });

    test('any content type is JSON, and none', async () => {
      const url = await app();
      const { key } = await rig.user();
      const types = [
        'text/plain',
        'application/x-www-form-urlencoded',
        'application/octet-stream',
        undefined,
      ];
      for (const type of types) {
        const headers = type ? { 'content-type': type } : undefined;
        expect((await send(url, CHAT, { key, headers, body: HELLO })).status, type).toBe(200);
      }
      expect((await send(url, CHAT, { key, method: 'POST' })).json).toMatchObject({
        error: { message: 'The request has no body.' },
      });
    });

    if (!host) return;

    test.each(places)('leaves the rest to the host, under "%s", body parser: %s', async (prefix, parser) => {
      const url = await app({ prefix }, parser);
      expect((await send(url, '/hello')).text).toBe('hello from the host');
      expect((await send(url, '/')).text).toBe('the front page');
      const missing = [
        `${prefix}/nothing/here`,
        `${prefix}/auth/nothing`,
        '/aix/openai/v1/models',
        '//openai/v1/models',
        ...(prefix === ''
          ? ['/healthz', '/status', '/metrics', '/readyz']
          : ['/openai/v1/models', '/status']),
      ];
      for (const path of missing) {
        const reply = await send(url, path);
        expect([path, reply.status, reply.json]).toEqual([path, 404, HOST_NOT_FOUND]);
      }
      if (parser === 'none') return;
      const body = { said: 'ü' };
      const headers = { 'content-type': 'application/json' };
      expect((await send(url, '/echo', { headers, body })).json).toEqual(body);
    });

    test("the host's headers stay, on success and on errors, streams included", async () => {
      const url = await app();
      const { key } = await rig.user();
      const replies = [
        await send(url, '/openai/v1/models', { key }),
        await send(url, '/openai/v1/models'),
        await send(url, CHAT, { key, body: '{broken' }),
        await send(url, CHAT, { key, body: { ...HELLO, stream: true } }),
      ];
      expect(replies.map(({ status }) => status)).toEqual([200, 401, 400, 200]);
      for (const { headers } of replies) {
        expect(headers).toMatchObject(HOST_HEADERS);
        expect(headers['x-request-id']).toMatch(/^req_/);
      }
    });

    test('service paths are answered under a prefix, or where they are asked for', async () => {
      for (const [mount, at] of [
        [{ prefix: '/ai' }, '/ai'],
        [{ operations: true }, ''],
      ] as const) {
        const url = await app(mount);
        expect((await send(url, `${at}/healthz`)).json).toEqual({ status: 'ok' });
        expect((await send(url, `${at}/readyz`)).status).toBe(200);
        expect((await send(url, `${at}/status`)).json).toMatchObject({ gateways: { openai: {} } });
        expect((await send(url, `${at}/metrics`)).text).toContain('# TYPE');
      }
      const url = await app({ prefix: '/ai' });
      for (const path of ['/ai', '/ai/', '/ai?x=1']) {
        expect((await send(url, path)).json, path).toMatchObject({ name: 'Parallama API Gateway' });
      }
      const without = await app({ prefix: '/ai', operations: false });
      expect((await send(without, '/ai/healthz')).status).toBe(404);
    });

    test('two gateways in one app share nothing', async () => {
      const other = await startRig();
      const started = await host.start(
        [
          { gateway: rig.gateway, prefix: '/one' },
          { gateway: other.gateway, prefix: '/two' },
        ],
        'after',
      );
      apps.push(started);
      const [one, two] = [await rig.user(), await other.user()];
      const status = async (prefix: string, key: string) =>
        (await send(started.url, `${prefix}${CHAT}`, { key, body: HELLO })).status;
      expect(await status('/one', one.key)).toBe(200);
      expect(await status('/two', two.key)).toBe(200);
      expect(await status('/one', two.key)).toBe(401);
      expect(await status('/two', one.key)).toBe(401);
      expect(await other.history(one.id)).toEqual([]);
      const requests = /^parallama_\S*requests\S*gateway="openai"\S* (\d+)$/m;
      expect((await send(started.url, '/two/metrics')).text).toMatch(requests);
      await other.close();
    });
  });
}

/** Bytes as they are written; answers are thrown away unless somebody listens. */
function rawConnection(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname)
    .on('error', () => {})
    .resume();
}

function rawPost(url: string, key: string, value: object): string {
  const body = JSON.stringify(value);
  return [
    `POST ${CHAT} HTTP/1.1`,
    `host: ${new URL(url).host}`,
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    `\r\n${body}`,
  ].join('\r\n');
}

/** A request that can be left; its answer, if one comes, is kept. */
function open(
  url: string,
  path: string,
  key: string,
  body: object,
): { req: ClientRequest; response: Promise<IncomingMessage> } {
  const { hostname, port } = new URL(url);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const req = httpRequest({ hostname, port, path, method: 'POST', headers, agent: false });
  req.on('error', () => {});
  const response = once(req, 'response').then(([res]) => res as IncomingMessage);
  response.catch(() => {});
  req.end(JSON.stringify(body));
  return { req, response };
}
