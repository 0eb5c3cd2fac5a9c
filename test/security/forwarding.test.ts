/** The gateway asks one server, the configured one, and nobody else: no request can name another. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
let basic: string;
/** What must not be asked: a service of the server's own network. */
let inner: Server;
let innerUrl: string;
let asked: string[];
beforeAll(async () => {
  inner = createServer((req, res) => {
    asked.push(req.url ?? '');
    res.end('{}');
  });
  await new Promise<void>((resolve) => inner.listen(0, '127.0.0.1', resolve));
  innerUrl = `http://127.0.0.1:${(inner.address() as AddressInfo).port}`;
  asked = [];
  rig = await startRig();
  basic = (await rig.user('basic')).key;
});
afterAll(async () => {
  await rig.close();
  await new Promise((resolve) => inner.close(resolve));
  expect(asked).toEqual([]);
});

const chatWith = (image_url: unknown) => ({
  model: 'llama2',
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url }] }],
});
const responseWith = (image_url: string) => ({
  model: 'llama2',
  input: [{ role: 'user', content: [{ type: 'input_image', image_url }] }],
});

describe('an image', () => {
  const URLS = [
    (inner: string) => `${inner}/image.png`,
    (inner: string) => inner.replace('http', 'HTTP'),
    (inner: string) => inner.replace('http:', 'https:'),
    (inner: string) => inner.replace('http:', ''),
    (inner: string) => ` ${inner}`,
    (inner: string) => `url:${inner}`,
    (inner: string) => `data:image/png,${inner}`,
    (inner: string) => `data:text/html;base64,${btoa(inner)}`,
    () => 'file:///etc/passwd',
    () => 'ftp://127.0.0.1/x',
    () => 'gopher://127.0.0.1:11434/_',
    () => '//127.0.0.1/x',
    () => '/etc/passwd',
    () => 'http://169.254.169.254/latest/meta-data/',
  ];

  test.each(URLS.map((make) => [make('INNER'), make] as const))('from %s is 400', async (_, make) => {
    rig.simulator.requests.length = 0;
    const url = make(innerUrl);
    for (const [path, body] of [
      ['/openai/v1/chat/completions', chatWith(url)],
      ['/openai/v1/chat/completions', chatWith({ url })],
      ['/openai/v1/responses', responseWith(url)],
      ['/ollama/api/generate', { model: 'llama2', prompt: 'a', images: [url] }],
      ['/ollama/api/chat', { model: 'llama2', messages: [{ role: 'user', content: 'a', images: [url] }] }],
    ] as const) {
      const { status, text } = await send(rig.url, path, { key: basic, body });
      expect({ path, status }).toEqual({ path, status: 400 });
      expect(text).not.toContain(innerUrl);
    }
    expect(rig.simulator.requests).toEqual([]);
  });

  test('that comes as data is taken', async () => {
    const { key } = await rig.user('premium');
    const { status } = await send(rig.url, '/openai/v1/chat/completions', {
      key,
      body: chatWith({ url: 'data:image/png;base64,iVBORw0KGgo=' }),
    });
    expect(status).toBe(200);
    expect(rig.simulator.requests.at(-1)?.path).toBe('/api/chat');
  });
});

describe('a model', () => {
  const NAMES = (inner: string) => [
    `${inner}/library/evil`,
    `${inner.slice('http://'.length)}/library/evil`,
    'evil.example/library/evil:latest',
    '../../../../etc/passwd',
    '..',
    '/etc/passwd',
    'a/../../b',
    'file:///etc/passwd',
    `sha256:${'a'.repeat(64)}`,
  ];

  test('of another host is never pulled, pushed, copied or made for those who do not manage models', async () => {
    rig.simulator.requests.length = 0;
    for (const model of NAMES(innerUrl)) {
      for (const name of ['pull', 'push', 'create', 'copy']) {
        const body = { model, name: model, from: model, source: model, destination: model, insecure: true };
        expect((await send(rig.url, `/ollama/api/${name}`, { key: basic, body })).status).toBe(403);
      }
    }
    expect(rig.simulator.requests).toEqual([]);
  });

  test('is a text within a body, and never part of a path or an address', async () => {
    for (const model of NAMES(innerUrl)) {
      rig.simulator.requests.length = 0;
      for (const [path, body] of [
        ['/openai/v1/chat/completions', { messages: [{ role: 'user', content: 'a' }] }],
        ['/ollama/api/generate', { prompt: 'a' }],
        ['/ollama/api/show', {}],
        ['/openai/v1/embeddings', { input: 'a' }],
      ] as const) {
        const { status } = await send(rig.url, path, { key: basic, body: { ...body, model } });
        // As Ollama has it: some are no names at all.
        expect({ model, path, found: ![400, 404].includes(status) }).toEqual({ model, path, found: false });
      }
      const paths = new Set(rig.simulator.requests.map(({ path }) => path));
      for (const path of paths)
        expect(['/api/chat', '/api/generate', '/api/show', '/api/embed']).toContain(path);
      expect(
        (await send(rig.url, `/openai/v1/models/${encodeURIComponent(model)}`, { key: basic })).status,
      ).toBe(404);
    }
  });
});

test('headers and paths that name another server lead to ours', async () => {
  const host = new URL(innerUrl).host;
  const headers = {
    host,
    'x-forwarded-host': host,
    'x-original-url': `${innerUrl}/`,
    'x-rewrite-url': '/api/pull',
    forwarded: `host=${host}`,
  };
  rig.simulator.requests.length = 0;
  expect((await send(rig.url, '/ollama/api/version', { key: basic, headers })).status).toBe(200);
  expect(rig.simulator.requests.map(({ path }) => path)).toEqual(['/api/version']);
  // An absolute target is read as its path: the server that it names hears nothing.
  expect((await send(rig.url, `${innerUrl}/ollama/api/version`, { key: basic })).status).toBe(200);
  expect(rig.simulator.requests.map(({ path }) => path)).toEqual(['/api/version', '/api/version']);
  expect(asked).toEqual([]);
});

test('fields that would let Ollama reach out are not handed on', async () => {
  const body = {
    model: 'llama2',
    prompt: 'a',
    remote_host: innerUrl,
    host: innerUrl,
    url: innerUrl,
    insecure: true,
    from: innerUrl,
    options: { host: innerUrl, num_predict: 1 },
    stream: false,
  };
  expect((await send(rig.url, '/ollama/api/generate', { key: basic, body })).status).toBe(200);
  expect(JSON.stringify(rig.simulator.requests.at(-1)?.body)).not.toContain(innerUrl);
});

test.each([301, 302, 307, 308])(
  'a redirect (%i) of the upstream is not followed, nor told',
  async (status) => {
    const upstream = createServer((_req, res) => {
      res.writeHead(status, { location: `${innerUrl}/moved` }).end();
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as AddressInfo;
    const away = await startRig({
      config: { api_gateways: { ollama: { host: 'http://127.0.0.1', port } } },
    });
    const { key } = await away.user('admin');
    try {
      for (const [path, body] of [
        ['/ollama/api/tags', undefined],
        ['/openai/v1/models', undefined],
        ['/ollama/api/generate', { model: 'llama2', prompt: 'a' }],
        ['/ollama/api/pull', { model: 'a' }],
      ] as const) {
        const reply = await send(away.url, path, { key, body });
        expect(reply.headers.location).toBeUndefined();
        expect(reply.text).not.toContain(innerUrl);
      }
    } finally {
      await away.close();
      await new Promise((resolve) => upstream.close(resolve));
    }
  },
);
