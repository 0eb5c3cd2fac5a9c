/** Clients that leave: Ollama stops within 100 ms, and what was generated is charged. */
import { once } from 'node:events';
import { type ClientRequest, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { SimulatedRequest } from '../../src/testing/index.js';
import { type Rig, startRig, until } from '../support/gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterEach(() => {
  rig.simulator.pace = 0;
  rig.simulator.firstToken = 0;
});
afterAll(() => rig.close());

const COUNT = { model: 'llama2', messages: [{ role: 'user', content: 'Count from 1 to 5000' }] };

/** A request that can be left; answers, if one comes, are kept waiting for `response`. */
function leave(
  path: string,
  key: string,
  body: object,
  url = rig.url,
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

/** The simulator's view of the next request. */
async function next(): Promise<() => SimulatedRequest | undefined> {
  const known = rig.simulator.requests.length;
  return () => rig.simulator.requests[known];
}

/** Leaves, and expects Ollama to have been stopped within 100 ms and the history to hold what was generated. */
async function expectStopped(req: ClientRequest, upstream: SimulatedRequest, userId: string) {
  const left = Date.now();
  req.destroy();
  await until(() => upstream.abortedAt !== undefined);
  expect(upstream.abortedAt! - left).toBeLessThan(100);
  expect(upstream.state).toBe('aborted');
  const record = await until(() => rig.log.find((line) => line.log === 'usage' && line.user === userId));
  expect(record.state).toBe('aborted');
  const [row] = await rig.history(userId);
  expect(row).toMatchObject({ requests: 1, aborted: 1, errors: 0 });
  return { upstream, completionTokens: row!.completionTokens, record };
}

const PATHS = [
  ['/openai/v1/chat/completions', { ...COUNT }],
  ['/ollama/api/chat', { ...COUNT, stream: false }],
  ['/ollama/v1/chat', { ...COUNT }],
] as const;

test.each(PATHS)('during prefill, %s', async (path, body) => {
  const { key, id } = await rig.user();
  rig.simulator.firstToken = 20_000;
  const upstream = await next();
  const { req } = leave(path, key, { ...body, stream: true });
  const seen = await until(() => upstream()?.body !== undefined && upstream());
  const { completionTokens } = await expectStopped(req, seen, id);
  expect(completionTokens).toBe(0);
});

test.each(PATHS)('mid-stream, %s', async (path, body) => {
  const { key, id } = await rig.user();
  rig.simulator.pace = 5;
  const upstream = await next();
  const { req, response } = leave(path, key, { ...body, stream: true });
  const res = await response;
  res.on('error', () => {});
  res.resume();
  const seen = await until(() => (upstream()?.generated ?? 0) >= 10 && upstream());
  const { completionTokens } = await expectStopped(req, seen, id);
  // What Ollama has generated while the connection was being closed may not have been read any more.
  expect(completionTokens).toBeGreaterThan(5);
  expect(completionTokens).toBeLessThanOrEqual(seen.generated);
  expect(seen.generated - completionTokens).toBeLessThan(20);
});

test.each(PATHS)('in a call without streaming, %s', async (path, body) => {
  const { key, id } = await rig.user();
  rig.simulator.pace = 5;
  const upstream = await next();
  const { req } = leave(path, key, { ...body, stream: false });
  const seen = await until(() => (upstream()?.generated ?? 0) >= 10 && upstream());
  const { completionTokens } = await expectStopped(req, seen, id);
  expect(completionTokens).toBeGreaterThan(5);
  expect(seen.generated - completionTokens).toBeLessThan(20);
});

test('what a client that left had held is free again', async () => {
  const { key, id } = await rig.user();
  rig.simulator.pace = 5;
  const upstream = await next();
  const { req } = leave('/openai/v1/chat/completions', key, { ...COUNT, max_tokens: 5_000 });
  const seen = await until(() => (upstream()?.generated ?? 0) >= 5 && upstream());
  await expectStopped(req, seen, id);
  const hour = new Date().toISOString().slice(0, 13);
  const [counter] = await rig.store.counters(id, [`openai:tokens:hour:${hour}`]);
  expect(counter?.held).toBe(0);
  expect(counter?.used).toBeGreaterThan(0);
});

test('a slow reader holds Ollama back instead of filling the gateway', async () => {
  let written = 0;
  let stopped = false;
  const line = `${JSON.stringify({ model: 'm', message: { role: 'assistant', content: 'x'.repeat(65_536) }, done: false })}\n`;
  // As fast as it is read, without end.
  const endless = createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'application/x-ndjson' });
    res.on('close', () => {
      stopped = true;
    });
    const write = () => {
      let room = !res.destroyed;
      while (room) {
        room = res.write(line);
        written += line.length;
      }
    };
    res.on('drain', write);
    write();
  });
  await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
  const { port } = endless.address() as AddressInfo;
  const own = await startRig({ config: { api_gateways: { ollama: { port } } } });
  const { key } = await own.user('admin');

  const { req, response } = leave('/ollama/api/chat', key, { ...COUNT, stream: true }, own.url);
  const res = await response;
  res.on('error', () => {});
  res.pause();
  let before = -1;
  while (written !== before) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  // What the sockets on the way hold; the gateway itself a few lines.
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(32 * 2 ** 20);
  expect(stopped).toBe(false);
  req.destroy();
  await until(() => stopped);
  await own.close();
  await new Promise((resolve) => endless.close(resolve));
});
