/** A client made by hand: bytes as they are, and whatever comes back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawClient {
  socket: Socket;
  /** All that has come so far. */
  readonly received: string;
  /** Resolves when the server has closed the connection. */
  closed: Promise<void>;
  write(text: string | Buffer): void;
}

export async function rawClient(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1');
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'connect');
  return {
    socket,
    get received() {
      return received;
    },
    closed,
    write: (text) => void socket.write(text),
  };
}

/** The status of each answer, in their order. */
export function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
