/** `serve` in one process. */
import { createGateway } from '../../core/gateway.js';
import { type Address, listen } from '../listen.js';
import type { Listening } from './messages.js';

export interface AloneOptions {
  /** The configuration's file. */
  source: string | undefined;
  address: Address;
  onListening(listening: Listening): void;
  /** Resolves when it is to end. */
  stopped: Promise<void>;
}

export async function runAlone({ source, address, onListening, stopped }: AloneOptions): Promise<void> {
  const gateway = await createGateway({ config: source });
  const server = await listen(gateway, address);
  const reopen = () => gateway.logs.reopen();
  process.on('SIGHUP', reopen);
  onListening({ url: server.url, port: server.port, notices: gateway.notices });
  await stopped;
  await server.close();
  process.off('SIGHUP', reopen);
}
