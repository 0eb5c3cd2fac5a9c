/** One of several processes that serve: it listens where the primary says, and ends when it says so. */
import { createGateway } from '../../core/gateway.js';
import type { MetricsSnapshot } from '../../core/observe/metrics.js';
import { type Address, listen } from '../listen.js';
import type { ToPrimary, ToWorker } from './messages.js';

export async function runWorker(source: string | undefined, address: Address): Promise<void> {
  try {
    await work(source, address);
  } finally {
    // The channel would keep the process alive.
    process.disconnect();
  }
}

async function work(source: string | undefined, address: Address): Promise<void> {
  const waiting = new Map<number, (snapshots: MetricsSnapshot[]) => void>();
  let asked = 0;
  const stopped = new Promise<void>((resolve) => {
    process.on('message', (message: ToWorker) => {
      if (message.is === 'stop') resolve();
    });
    process.on('SIGTERM', () => resolve());
    // Ctrl-C reaches every process of the terminal; what is to be done about it the primary says.
    process.on('SIGINT', () => undefined);
  });

  const gateway = await createGateway({ config: source });
  const server = await listen(gateway, address);
  gateway.metrics.gatherFrom(
    () =>
      new Promise((resolve) => {
        asked += 1;
        waiting.set(asked, resolve);
        void say({ is: 'gather', id: asked });
      }),
  );
  process.on('message', (message: ToWorker) => void receive(message));

  async function receive(message: ToWorker): Promise<void> {
    if (message.is === 'reopen') gateway.logs.reopen();
    else if (message.is === 'report') {
      await say({ is: 'report', id: message.id, snapshot: await gateway.metrics.snapshot() });
    } else if (message.is === 'gathered') {
      waiting.get(message.id)?.(message.snapshots);
      waiting.delete(message.id);
    }
  }

  const { url, port } = server;
  await say({ is: 'listening', listening: { url, port, notices: gateway.notices } });
  await stopped;
  await server.drain();
  await say({ is: 'last', snapshot: await gateway.metrics.snapshot() });
  await server.close();
}

/** Resolves when it was sent, or when nobody is there to hear it. */
function say(message: ToPrimary): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
    else resolve();
  });
}
