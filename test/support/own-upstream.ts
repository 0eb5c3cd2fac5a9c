/** A server of the test's own where Ollama should be. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OwnUpstream {
  port: number;
  stop(): void;
}

export async function startOwnUpstream(listener: RequestListener): Promise<OwnUpstream> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
