import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startRig } from '../support/gateway.js';
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
