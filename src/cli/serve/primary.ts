/**
 * `serve` with several workers: the primary process starts them, starts those anew that crash, hands signals on, and
 * adds up their metrics. It answers no request itself.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { socketPath, withoutBrackets } from '../../adapters/address.js';
import { note } from '../output.js';
import type { Listening, ToPrimary, ToWorker } from './messages.js';
import { createSharedMetrics } from './shared-metrics.js';

export interface PrimaryOptions {
  workers: number;
  host: string;
  port: number;
  /** The configuration's file. */
  source: string | undefined;
  /** Called once, when the first worker listens. */
  onListening(listening: Listening): void;
  /** Resolves when all are to end. */
  stopped: Promise<void>;
}

/** Milliseconds. A worker that lived longer than `SETTLED` is no part of a series of crashes. */
const SETTLED = 10_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

/** Resolves when all workers have ended. Exit code 1 where the first cannot listen. */
export async function runPrimary(options: PrimaryOptions): Promise<void> {
  const running = new Map<number, Worker>();
  const metrics = createSharedMetrics((id, question) => say(running.get(id), { is: 'report', id: question }));
  const isUnix = socketPath(options.host) !== undefined;
  const port = options.port === 0 && !isUnix ? await freePort(options.host) : options.port;
  let listening: Listening | undefined;
  let stopping = false;
  let crashes = 0;

  /** Starts a worker, and another when it crashes; resolves when it has ended for good. */
  async function keepOne(): Promise<void> {
    for (;;) {
      const started = performance.now();
      const code = await runOne();
      if (stopping) return;
      if (!listening) {
        process.exitCode = 1;
        return;
      }
      crashes = performance.now() - started > SETTLED ? 0 : crashes + 1;
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** crashes);
      note(`A worker ended (${code}); another starts in ${pause} ms.`);
      await Promise.race([sleep(pause), options.stopped]);
      if (stopping) return;
    }
  }

  async function runOne(): Promise<string> {
    const { host, source } = options;
    const config = source === undefined ? [] : ['--config', source];
    cluster.setupPrimary({ args: ['serve', '--host', host, '--port', String(port), ...config] });
    const worker = cluster.fork();
    running.set(worker.id, worker);
    worker.on('message', (message: ToPrimary) => void receive(worker, message));
    if (stopping) say(worker, { is: 'stop' });
    const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null];
    running.delete(worker.id);
    await metrics.ended(worker.id);
    return signal ?? `code ${code}`;
  }

  async function receive(worker: Worker, message: ToPrimary): Promise<void> {
    if (message.is === 'listening') {
      // One that was told before it could hear it.
      if (stopping) say(worker, { is: 'stop' });
      if (listening) return;
      listening = message.listening;
      for (let more = 1; more < options.workers; more += 1) all.push(keepOne());
      options.onListening(listening);
    } else if (message.is === 'gather') {
      const snapshots = await metrics.gather([...running.keys()]);
      say(worker, { is: 'gathered', id: message.id, snapshots });
    } else if (message.is === 'report') metrics.reported(worker.id, message.id, message.snapshot);
    else metrics.last(worker.id, message.snapshot);
  }

  const tell = (message: ToWorker) => {
    for (const worker of running.values()) say(worker, message);
  };
  const reopen = () => tell({ is: 'reopen' });
  process.on('SIGHUP', reopen);
  // Whatever ends this process ends them: a second signal, an error.
  process.once('exit', () => {
    for (const worker of running.values()) worker.process.kill('SIGKILL');
  });
  void options.stopped.then(() => {
    stopping = true;
    tell({ is: 'stop' });
  });

  const all = [keepOne()];
  // More are added while the first runs.
  for (let at = 0; at < all.length; at += 1) await all[at];
  process.off('SIGHUP', reopen);
}

/** All workers are to listen on the same one, also those that are started anew. */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, withoutBrackets(host));
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function say(worker: Worker | undefined, message: ToWorker): void {
  // A worker that is ending has closed its end: there is nobody to be told.
  if (worker?.isConnected()) worker.send(message, () => undefined);
}
