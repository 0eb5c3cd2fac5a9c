/** Where the server listens, how many connections it takes, and how it ends. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { boundConnections } from '../../src/adapters/connections.js';
import { serve } from '../../src/adapters/server.js';
import { parseConfig } from '../../src/core/config.js';
import { startBeside } from '../cli/beside.js';
import { run } from '../cli/run.js';
import { type Rig, type RigOptions, send, startRig, until } from '../support/gateway.js';

async function rigWith(server: NonNullable<RigOptions['config']>['server']): Promise<Rig> {
  const rig = await startRig({ config: { server } });
  onTestFinished(() => rig.close());
  return rig;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'parallama-socket-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function askSocket(socketPath: string, path: string, headers: Record<string, string> = {}) {
  const req = httpRequest({ socketPath, path, headers, agent: false }).end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  return { status: res.statusCode, text: await text(res) };
}

test('a Unix socket is listened on, for its user and group, and is gone afterwards', async () => {
  const rig = await rigWith({});
  const path = join(await folder(), 'gateway.sock');
  const server = await serve(rig.gateway, { host: `unix:${path}` });
  expect(server.url).toBe(`unix:${path}`);
  expect((await stat(path)).mode & 0o777).toBe(0o660);
  expect(await askSocket(path, '/healthz')).toMatchObject({ status: 200 });
  // No page reaches it, and the proxy in front has a name of its own.
  expect(await askSocket(path, '/healthz', { host: 'ai.example.com' })).toMatchObject({ status: 200 });
  expect(await askSocket(path, '/metrics')).toMatchObject({ status: 200 });
  expect(await askSocket(path, '/metrics', { 'x-forwarded-for': '203.0.113.7' })).toMatchObject({
    status: 403,
  });
  await server.drain();
  await expect(stat(path)).rejects.toThrow('ENOENT');
});

test('behind a Unix socket, the proxy says who the client is', async () => {
  const rig = await rigWith({ trust_proxy: ['loopback'], socket_mode: '600' });
  const path = join(await folder(), 'gateway.sock');
  const server = await serve(rig.gateway, { host: `unix:${path}` });
  onTestFinished(() => server.drain());
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const headers = { 'x-forwarded-for': '203.0.113.7', authorization: 'Basic !' };
  const req = httpRequest({ socketPath: path, path: '/auth/login', method: 'POST', headers, agent: false });
  req.end(JSON.stringify({ username: 'nobody', password: 'a-wrong-password' }));
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  res.resume();
  expect(rig.log.find(({ event }) => event === 'login_failed')).toMatchObject({ ip: '203.0.113.7' });
});

test('a socket that a killed process has left is taken over; one in use, and a file, are not', async () => {
  const rig = await rigWith({});
  const directory = await folder();
  const left = join(directory, 'left.sock');
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  expect((await stat(left)).isSocket()).toBe(true);
  const server = await serve(rig.gateway, { host: `unix:${left}` });
  onTestFinished(() => server.drain());
  expect(await askSocket(left, '/healthz')).toMatchObject({ status: 200 });
  await expect(serve(rig.gateway, { host: `unix:${left}` })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(await askSocket(left, '/healthz')).toMatchObject({ status: 200 });

  const file = join(directory, 'file');
  await writeFile(file, 'kept');
  await expect(serve(rig.gateway, { host: `unix:${file}` })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect((await stat(file)).size).toBe(4);
});

test.each(['::1', '[::1]'])('%s is loopback of IPv6', async (host) => {
  const rig = await rigWith({ host });
  const server = await serve(rig.gateway, { host, port: 0 });
  onTestFinished(() => server.drain());
  expect(server.url).toBe(`http://[::1]:${server.port}`);
  expect((await (await fetch(`${server.url}/healthz`)).json()) as object).toEqual({ status: 'ok' });
});

test.each(['unix:', 'unix:/a b', `unix:/${'x'.repeat(200)}`, '[127.0.0.1', 'http://localhost', 'a/b'])(
  '"%s" is no address to listen on',
  (host) => {
    expect(() => parseConfig(`server: { host: ${JSON.stringify(host)} }`, 'my.yaml')).toThrow(
      'expected an address to listen on, such as 127.0.0.1, or a socket such as unix:/run/parallama/parallama.sock',
    );
  },
);

/** Opened, and seen by the server. */
async function connections(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () =>
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .resume(),
  );
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

test('more connections than server.max_connections are refused, and it is logged once', async () => {
  const rig = await rigWith({ max_connections: 5 });
  const kept = await connections(rig.server.port, 5);
  for (let more = 0; more < 3; more += 1) {
    const [refused] = await connections(rig.server.port, 1);
    await until(() => refused!.destroyed);
  }
  expect(kept.some(({ destroyed }) => destroyed)).toBe(false);
  expect(rig.log.filter(({ msg }) => String(msg).includes('too many'))).toEqual([
    expect.objectContaining({ log: 'gateway', level: 'warn', limit: 5 }),
  ]);
  kept[0]!.destroy();
  await expect.poll(async () => (await send(rig.url, '/healthz').catch(() => undefined))?.status).toBe(200);
});

test('an address has connections of its own, and loopback is not counted', async () => {
  const rig = await rigWith({ max_connections_per_address: 2 });
  const local = await connections(rig.server.port, 20);
  expect((await send(rig.url, '/healthz')).status).toBe(200);
  expect(local.some(({ destroyed }) => destroyed)).toBe(false);

  const told: object[] = [];
  const server = createServer();
  const open = boundConnections(server, {
    most: 100,
    mostPerAddress: 2,
    isExempt: () => false,
    onFull: (fields) => told.push(fields),
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const [first, second, ...others] = await connections(port, 6);
  await until(() => others.every(({ destroyed }) => destroyed));
  expect([first!.destroyed, second!.destroyed, open.size]).toEqual([false, false, 2]);
  expect(told).toEqual([{ address: '127.0.0.1', limit: 2 }]);
  first!.destroy();
  await until(() => open.size === 1);
  const [next] = await connections(port, 1);
  await until(() => open.size === 2);
  expect(next!.destroyed).toBe(false);
});

test('server.keep_alive_timeout says how long a connection without a request stays', async () => {
  const rig = await rigWith({ keep_alive_timeout: 1 });
  const socket = connect(rig.server.port, '127.0.0.1').on('error', () => {});
  let received = '';
  socket.on('data', (bytes: Buffer) => {
    received += String(bytes);
  });
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'close');
  expect(received).toContain('Keep-Alive: timeout=1');
});

test('/readyz turns 503 when the end begins, and all else is answered until server.drain_delay is over', async () => {
  const rig = await rigWith({ drain_delay: 1 });
  expect((await send(rig.url, '/readyz')).status).toBe(200);
  const began = performance.now();
  const drained = rig.server.drain();
  const ready = await send(rig.url, '/readyz');
  expect([ready.status, ready.json]).toMatchObject([503, { status: 'ending' }]);
  const { key } = await rig.user();
  const body = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }], stream: false };
  const chat = await send(rig.url, '/ollama/api/chat', { key, body });
  expect([chat.status, chat.headers.connection]).toEqual([200, 'close']);
  await drained;
  expect(performance.now() - began).toBeGreaterThan(990);
  await expect(send(rig.url, '/healthz')).rejects.toThrow();
});

test.each([1, 2])('`serve` drains %i worker(s) after SIGTERM', async (workers) => {
  const { server, url } = await startBeside({ config: `server: { workers: ${workers}, drain_delay: 2 }` });
  server.process.kill('SIGTERM');
  await server.shows(/Stopping/, 'stderr');
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(503);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await server.ended).status).toBe(0);
});

test.each([1, 2])('`serve` listens on a Unix socket with %i worker(s)', async (workers) => {
  const path = join(await folder(), 'gateway.sock');
  const { server, url, cwd } = await startBeside({
    config: `server: { workers: ${workers}, host: "unix:${path}" }`,
  });
  expect(url).toBe(`unix:${path}`);
  for (let times = 0; times < 4; times += 1)
    expect(await askSocket(path, '/healthz')).toMatchObject({ status: 200 });
  const second = await run(cwd, ['serve']);
  expect([second.status, second.stderr]).toEqual([
    1,
    expect.stringContaining(`Something listens on ${path} already`),
  ]);
  server.process.kill('SIGTERM');
  const { status, stderr } = await server.ended;
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('registration')]);
});
