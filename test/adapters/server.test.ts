import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { serve } from '../../src/adapters/server.js';
import { send, startRig } from '../support/gateway.js';
import { describeHost } from './suite.js';

describeHost('the server of its own');

test('a connection without a request does not hold up the end', async () => {
  const rig = await startRig({ config: { server: { shutdown_timeout: 20 } } });
  const socket = connect(rig.server.port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  // The server has it too, once it has answered one that came later.
  await (await fetch(`${rig.url}/healthz`)).text();
  const start = performance.now();
  await rig.close();
  expect(performance.now() - start).toBeLessThan(10_000);
  socket.destroy();
});

test.each([
  ['is refused by Node', { status: 200, headers: { 'x-broken': 'a\nb' }, body: '{}' }, 500],
  // Its head is out when that is noticed.
  ['has a body that is none', { status: 204, headers: {}, body: 42 as unknown as string }, undefined],
])('an answer that %s breaks its own connection at most, and is logged', async (_what, answer, status) => {
  const rig = await startRig();
  const broken = { ...rig.gateway, handle: async () => answer };
  const server = await serve(broken, { host: '127.0.0.1', port: 0 });
  const reply = await send(server.url, '/any').catch(() => undefined);
  expect(reply?.status).toBe(status);
  expect(rig.log.filter(({ log, msg }) => log === 'error' && msg === 'bug')).toHaveLength(1);
  await server.drain();
  await rig.close();
});
