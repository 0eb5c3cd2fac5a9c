import cluster from 'node:cluster';
import { loadConfig } from '../../core/config.js';
import type { Invocation } from '../command.js';
import { readPort } from '../listen.js';
import { note } from '../output.js';
import { introduce } from '../serve/about.js';
import type { Listening } from '../serve/messages.js';
import { stopSignal } from '../stop-signal.js';

export async function run(invocation: Invocation): Promise<void> {
  const wantedPort = readPort(invocation);
  // A worker is told by the primary.
  const stopped = cluster.isPrimary ? stopSignal() : Promise.resolve();
  const { config, source } = await loadConfig({ file: invocation.values.config });
  const host = invocation.values.host ?? config.server.host;
  const port = wantedPort ?? config.server.port;
  const { workers } = config.server;
  if (workers > 1 && config.store.url === 'memory:') {
    throw new Error(
      'A store in memory is not shared: server.workers must be 1 with it, or store.url another.',
    );
  }
  if (cluster.isWorker) {
    const { runWorker } = await import('../serve/worker.js');
    return runWorker(source, { host, port });
  }

  const onListening = (listening: Listening) => introduce(invocation, { config, source, host }, listening);
  void stopped.then(() => {
    note('Stopping: running requests may still end. A second signal ends them at once.');
  });
  if (workers > 1) {
    const { runPrimary } = await import('../serve/primary.js');
    await runPrimary({ workers, host, port, source, onListening, stopped });
  } else {
    const { runAlone } = await import('../serve/alone.js');
    await runAlone({ source, address: { host, port }, onListening, stopped });
  }
}
