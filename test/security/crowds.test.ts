/** What anybody may ask without a key costs the same for a thousand who ask as for one. */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parallama } from '../../src/adapters/express.js';
import type { GatewayRequest } from '../../src/core/contract.js';
import { listening } from '../adapters/suite.js';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());

test.each(['/metrics', '/status', '/'])(
  '%s is one text for all who read it within a second',
  async (path) => {
    const ask = () =>
      rig.gateway.handle({ method: 'GET', url: path, headers: {}, operations: true, connection: HERE });
    const answers = await Promise.all(Array.from({ length: 500 }, ask));
    expect(answers.map((answer) => answer?.status)).toEqual(Array(500).fill(200));
    // The bytes themselves, and not others like them.
    expect(new Set(answers.map((answer) => answer?.body)).size).toBeLessThanOrEqual(2);
  },
);

test('a packet of 1,800 requests of /metrics disconnects its sender, and keeps nobody waiting', async () => {
  const { hostname, port } = new URL(rig.url);
  const packet = `GET /metrics HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`.repeat(1_800);
  const sockets = Array.from({ length: 8 }, () =>
    connect(Number(port), hostname)
      .on('error', () => {})
      .resume(),
  );
  const closed = sockets.map(
    (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
  );
  for (const socket of sockets) socket.write(packet);
  const [healthy] = await Promise.all([send(rig.url, '/healthz'), ...closed]);
  expect(healthy.status).toBe(200);
});

const HERE = { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' };
const OTHER = { remoteAddress: '203.0.113.7', localAddress: '192.0.2.1' };
const read = async (request: Partial<GatewayRequest>, by = rig) =>
  (await by.gateway.handle({ method: 'GET', url: '/metrics', headers: {}, operations: true, ...request }))
    ?.status;

test.each<[string, number, Partial<GatewayRequest>]>([
  ['loopback', 200, { connection: HERE }],
  ['loopback of IPv6', 200, { connection: { remoteAddress: '::1', localAddress: '::1' } }],
  ['loopback, as IPv6 has it', 200, { connection: { remoteAddress: '::ffff:127.0.0.1' } }],
  [
    "the machine's own address",
    200,
    { connection: { remoteAddress: '192.0.2.1', localAddress: '192.0.2.1' } },
  ],
  ['another machine', 403, { connection: OTHER }],
  ['another machine that says to be this one', 403, { connection: OTHER, ip: '127.0.0.1' }],
  ['nobody knows where', 403, {}],
  ...['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'].map(
    (name): [string, number, Partial<GatewayRequest>] => [
      `a proxy here that adds ${name}`,
      403,
      { connection: HERE, headers: { [name]: '127.0.0.1' } },
    ],
  ),
])('metrics from %s are answered %i', async (_from, status, request) => {
  expect(await read(request)).toBe(status);
});

test('with a token the token counts, from anywhere; with `public` nothing does', async () => {
  const secret = await startRig({ config: { metrics: { token: 's3cret', public: true } } });
  onTestFinished(() => secret.close());
  const open = await startRig({ config: { metrics: { public: true } } });
  onTestFinished(() => open.close());
  const headers = { authorization: 'Bearer s3cret' };
  expect(await read({ connection: OTHER, headers }, secret)).toBe(200);
  expect(await read({ connection: OTHER }, secret)).toBe(401);
  expect(await read({ connection: HERE }, secret)).toBe(401);
  expect(await read({ connection: OTHER }, open)).toBe(200);
});

test('the refusal says what to set, over real connections, in a host app and in the server', async () => {
  const app = await listening(createServer(express().use('/ai', parallama(rig.gateway))));
  onTestFinished(() => app.close());
  for (const [url, path] of [
    [app.url, '/ai/metrics'],
    [rig.url, '/metrics'],
  ] as const) {
    expect((await send(url, path)).status).toBe(200);
    const refused = await send(url, path, { headers: { 'x-forwarded-for': '203.0.113.7' } });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('metrics.token or metrics.public');
  }
});
