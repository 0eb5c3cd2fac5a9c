/** An error tells a client nothing of the inside: no host, no port, no file, no stack, whatever has failed. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serve } from '../../src/adapters/server.js';
import { createGateway, type GatewayOptions } from '../../src/core/gateway.js';
import { type Store, StoreUnavailable } from '../../src/core/store/port.js';
import { memory } from '../../src/core/store/sqlite.js';
import { type Rig, send, startRig } from '../support/gateway.js';

/** What the errors below are full of. */
const INNER =
  'connect ECONNREFUSED 10.1.2.3:5432 at /srv/parallama/src/store.ts:7 postgres://root:hunter2@db.internal/x';
const TELLTALE =
  /10\.1\.2\.3|127\.0\.0\.1|localhost|:5432|\/srv|\/src|\/tmp|node_modules|hunter2|internal\/|db\.internal|ECONN|\bat \S+ \(|\.ts:|\.js:|postgres|sqlite|undici|Error:/;

let rig: Rig;
let key: string;
beforeAll(async () => {
  rig = await startRig();
  ({ key } = await rig.user('admin', 'root'));
});
afterAll(() => rig.close());

/** Whom Ollama itself answers, in its own words: those who manage models. */
const MANAGING = '/ollama/api/pull';

const messages = [{ role: 'user', content: 'Hello!' }];
const REQUESTS: [string, object | undefined][] = [
  ['/openai/v1/chat/completions', { model: 'llama2', messages }],
  ['/openai/v1/chat/completions', { model: 'llama2', messages, stream: true }],
  ['/openai/v1/completions', { model: 'llama2', prompt: 'a' }],
  ['/openai/v1/embeddings', { model: 'nomic-embed-text', input: 'a' }],
  ['/openai/v1/responses', { model: 'llama2', input: 'a', stream: true }],
  ['/openai/v1/models', undefined],
  ['/ollama/v1/chat', { model: 'llama2', messages }],
  ['/ollama/v1/models', undefined],
  ['/ollama/api/chat', { model: 'llama2', messages }],
  ['/ollama/api/generate', { model: 'llama2', prompt: 'a', stream: false }],
  ['/ollama/api/show', { model: 'llama2' }],
  ['/ollama/api/tags', undefined],
  ['/ollama/api/ps', undefined],
  ['/ollama/api/version', undefined],
  [MANAGING, { model: 'a' }],
  ['/admin/v1/usage', undefined],
  ['/auth/keys', undefined],
  ['/auth/login', { username: 'root', password: 'a-good-password' }],
  ['/auth/register', { username: 'newcomer', password: 'a-good-password' }],
  ['/auth/token', { refresh_token: 'rt_0123456789abcdef' }],
  ['/', undefined],
  ['/status', undefined],
  ['/readyz', undefined],
  ['/healthz', undefined],
];

/** Asks everything, and expects at least some of it to fail. */
async function sweep(url: string, requests = REQUESTS): Promise<void> {
  let failures = 0;
  for (const [path, body] of requests) {
    const reply = await send(url, path, { key, body });
    if (reply.status >= 500 || reply.text.includes('"error"')) failures += 1;
    const { date: _, ...rest } = reply.headers;
    expect({ path, text: TELLTALE.exec(reply.text + JSON.stringify(rest))?.[0] }).toEqual({
      path,
      text: undefined,
    });
  }
  expect(failures).toBeGreaterThan(0);
}

async function withGateway(options: GatewayOptions, use: (url: string) => Promise<void>): Promise<void> {
  const silent = () => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const gateway = await createGateway({ logger: { ...log, child: () => log }, ...options });
  const server = await serve(gateway, { host: '127.0.0.1', port: 0 });
  await use(server.url).finally(() => server.close());
}

const PORT = () => rig.simulator.port;
const configOf = (port: number) => ({
  api_gateways: { ollama: { host: 'http://127.0.0.1', port, default_model: 'llama2' } },
  auth: { password_hashing: { memory_kib: 1_024, iterations: 1, parallelism: 1 } },
});

/** Whoever asks may do everything. */
const anybody: GatewayOptions = { authenticate: () => ({ id: 'a', role: 'admin' }), accounts: true };

/** A store whose every call fails, once the gateway has started on it. */
function breaking(failure: () => unknown): { store: Store; fail(): void } {
  let broken = false;
  const store = new Proxy(memory(), {
    get(target, name: keyof Store) {
      const value = target[name];
      if (typeof value !== 'function' || name === 'close') return value;
      return (...args: never[]) =>
        broken ? Promise.reject(failure()) : (value as (...args: never[]) => unknown).apply(target, args);
    },
  });
  return {
    store,
    fail() {
      broken = true;
    },
  };
}

test.each<[string, () => unknown]>([
  ['is away', () => new StoreUnavailable(INNER, { cause: new Error(INNER) })],
  ['has a bug', () => new TypeError(INNER)],
  [
    'fails as a socket does',
    () => Object.assign(new Error(INNER), { code: 'ECONNREFUSED', syscall: 'connect' }),
  ],
  ['throws what is no error', () => INNER],
])('of a store that %s', async (_, failure) => {
  const { store, fail } = breaking(failure);
  await withGateway({ store, config: configOf(PORT()) }, async (url) => {
    fail();
    await sweep(url);
  });
});

test.each<[string, (socket: import('node:net').Socket) => void]>([
  ['refuses', (socket) => socket.destroy()],
  ['speaks something else', (socket) => socket.end(`SSH-2.0 ${INNER}\r\n`)],
  [
    'is a page',
    (socket) =>
      socket.end(`HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<h1>${INNER}</h1>`),
  ],
  [
    'quotes itself',
    (socket) =>
      socket.end(
        `HTTP/1.1 500 No\r\nserver: ${INNER}\r\nconnection: close\r\n\r\n${JSON.stringify({ error: INNER })}`,
      ),
  ],
  [
    'refuses with 400',
    (socket) => socket.end(`HTTP/1.1 400 No\r\nconnection: close\r\n\r\n${JSON.stringify({ error: INNER })}`),
  ],
  [
    'wants to be asked elsewhere',
    (socket) => socket.end(`HTTP/1.1 307 No\r\nlocation: http://10.1.2.3:5432/\r\nconnection: close\r\n\r\n`),
  ],
  [
    'breaks off',
    (socket) =>
      socket.end(
        `HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"model":"llama2","message":{"role":"assistant","content":"a"},"done":false}\n`,
      ),
  ],
  [
    'has an error in its stream',
    (socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${JSON.stringify({ error: INNER })}\n`),
  ],
])('of an upstream that %s', async (_, answer) => {
  const upstream = createServer();
  upstream.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  upstream.removeAllListeners('request');
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  try {
    const told = REQUESTS.filter(([path]) => path !== MANAGING);
    await withGateway({ ...anybody, store: memory(), config: configOf(port) }, (url) => sweep(url, told));
  } finally {
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  }
});

test('of an upstream that is not there', async () => {
  await withGateway({ ...anybody, store: memory(), config: configOf(1) }, sweep);
});

test.each<[string, GatewayOptions]>([
  [
    'sign-in',
    {
      authenticate: () => {
        throw new Error(INNER);
      },
    },
  ],
  ['sign-in, later', { authenticate: () => Promise.reject(new TypeError(INNER)) }],
  ['sign-in that gives nonsense', { authenticate: () => ({ id: 7, role: INNER }) as never }],
  [
    'hook',
    {
      authenticate: () => ({ id: 'a', role: 'admin' }),
      beforeForward: () => {
        throw new TypeError(INNER);
      },
    },
  ],
  [
    'hook, as a socket',
    {
      authenticate: () => ({ id: 'a', role: 'admin' }),
      beforeForward: () => Promise.reject(Object.assign(new Error(INNER), { syscall: 'connect' })),
    },
  ],
])('of a mistake in the app: its %s', async (_, options) => {
  await withGateway({ store: memory(), config: configOf(PORT()), ...options }, sweep);
});

test('of a password hash that cannot be read', async () => {
  const row = await rig.store.get<{ password_hash: string }>('users', 'root');
  const broken = { ...row!.value, password_hash: `$argon2id$${INNER}` };
  await rig.store.update('users', 'root', row!.version, broken, { index: { id: 'x', role: 'admin' } });
  const { status, text } = await send(rig.url, '/auth/login', {
    body: { username: 'root', password: 'a-good-password' },
  });
  expect(status).toBe(500);
  expect(text).not.toMatch(TELLTALE);
});
