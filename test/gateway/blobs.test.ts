/** Model management relays what is larger than memory, at the pace of the slower side. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startRig } from '../support/gateway.js';

const MIB = 2 ** 20;
const SIZE = 512 * MIB;
const DIGEST = `sha256:${'0'.repeat(64)}`;

test('a blob of half a gibibyte goes through in bounded memory, past the limit for bodies', async () => {
  let arrived = 0;
  const upstream = createServer(async (req, res) => {
    for await (const chunk of req) {
      // Slower than its sender, so that whoever buffers shows it.
      if (arrived % (16 * MIB) < chunk.length) await sleep(5);
      arrived += chunk.length;
    }
    res.writeHead(201).end();
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  const rig = await startRig({ config: { api_gateways: { ollama: { port } } } });
  const { key } = await rig.user('admin');
  const { hostname, port: gatewayPort } = new URL(rig.url);

  const before = process.memoryUsage().rss;
  let peak = before;
  const req = httpRequest({
    hostname,
    port: gatewayPort,
    path: `/ollama/api/blobs/${DIGEST}`,
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-length': SIZE },
    agent: false,
  });
  const response = once(req, 'response');
  const piece = Buffer.alloc(MIB, 7);
  for (let sent = 0; sent < SIZE; sent += piece.length) {
    if (!req.write(piece)) await once(req, 'drain');
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  req.end();
  const [res] = (await response) as [IncomingMessage];
  res.resume();

  expect(res.statusCode).toBe(201);
  expect(arrived).toBe(SIZE);
  expect(peak - before).toBeLessThan(SIZE / 2);
  await rig.close();
  await new Promise((resolve) => upstream.close(resolve));
}, 60_000);
