import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { home, run, start } from './run.js';

const urlIn = (text: string) => /http:\/\/\S+:\d+/.exec(text)?.[0] ?? '';

test.each(['SIGTERM', 'SIGINT'] as const)('serves until %s', async (signal) => {
  const cwd = await home();
  const server = start(cwd, ['serve', '--port', '0']);
  const url = urlIn(await server.shows(/config .*parallama\.yaml/));
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  server.process.kill(signal);
  const { status, stdout, stderr } = await server.ended;
  expect(status).toBe(0);
  expect(stdout).toMatch(/store +sqlite:\.\/parallama\.db\n +upstream +http:\/\/localhost:11434\n/);
  expect(stderr).toContain('Stopping');
  expect(stderr).not.toContain('registration');
  await expect(fetch(url)).rejects.toThrow();
});

test("users and keys of the command line are the server's, without a restart", async () => {
  const cwd = await home();
  const server = start(cwd, ['serve', '--port', '0', '--json']);
  const { url } = JSON.parse(await server.shows(/\n/));
  await run(cwd, ['user', 'create', 'ada']);
  const { key } = JSON.parse((await run(cwd, ['key', 'generate', 'ada', '--json'])).stdout);
  const usage = () => fetch(`${url}/admin/v1/usage`, { headers: { authorization: `Bearer ${key}` } });
  expect((await usage()).status).toBe(200);
  server.process.kill('SIGTERM');
  expect((await server.ended).status).toBe(0);
});

test('a running request may end after the first signal; the second ends it', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  const asked = new Promise<void>((resolve) =>
    silent.on('request', (request) => request.url === '/api/chat' && resolve()),
  );
  await new Promise((resolve) => silent.once('listening', resolve));
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const { port } = silent.address() as AddressInfo;
  const cwd = await home(`api_gateways: { ollama: { host: 127.0.0.1, port: ${port} } }`);
  await run(cwd, ['user', 'create', 'ada']);
  const { key } = JSON.parse((await run(cwd, ['key', 'generate', 'ada', '--json'])).stdout);
  const server = start(cwd, ['serve', '--port', '0', '--json']);
  const { url } = JSON.parse(await server.shows(/\n/));
  const request = fetch(`${url}/ollama/api/chat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] }),
  });
  const failed = expect(request).rejects.toThrow();
  await asked;
  server.process.kill('SIGTERM');
  await server.shows(/Stopping/, 'stderr');
  expect(server.process.exitCode).toBeNull();
  server.process.kill('SIGTERM');
  expect((await server.ended).status).toBe(143);
  await failed;
});

test('open registration on an address for others is warned of', async () => {
  const server = start(await home(), ['serve', '--port', '0', '--host', '0.0.0.0']);
  await server.shows(/config/);
  server.process.kill('SIGTERM');
  expect((await server.ended).stderr).toContain('Warning: registration is open on 0.0.0.0');
});

test('a trust in all proxies is warned of', async () => {
  const server = start(await home('server: { trust_proxy: true }'), ['serve', '--port', '0']);
  await server.shows(/config/);
  server.process.kill('SIGTERM');
  expect((await server.ended).stderr).toContain('Warning: server.trust_proxy is true');
});

test('a port in use', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const { status, stdout, stderr } = await run(await home(), ['serve', '--port', String(port)]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain(`Port ${port} on 127.0.0.1 is in use.`);
});

test("the password in a store's address is not shown", async () => {
  const { stdout, stderr } = await run(
    await home('store: { url: "redis://me:s3cret@127.0.0.1:1/0?password=s3cret" }'),
    ['user', 'list'],
  );
  expect(stdout + stderr).not.toContain('s3cret');
});
