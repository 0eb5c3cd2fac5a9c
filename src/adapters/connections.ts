/** How many connections there may be: a client that opens thousands leaves room for the others. */
import type { Server, Socket } from 'node:net';
import { network } from '../core/auth/throttle.js';

export interface ConnectionBounds {
  /** Connections at a time. */
  most: number;
  /** Connections at a time from one address, of IPv6 from one /64. */
  mostPerAddress: number;
  /** Addresses that stand for many clients: proxies. */
  isExempt(address: string): boolean;
  /** A connection was refused; told once a minute at most. */
  onFull(fields: { address?: string; limit: number }): void;
}

const TELL_EVERY_MS = 60_000;

/** @returns all that are open */
export function boundConnections(
  server: Server,
  { most, mostPerAddress, isExempt, onFull }: ConnectionBounds,
): Set<Socket> {
  const open = new Set<Socket>();
  const byAddress = new Map<string, number>();
  let toldAt = Number.NEGATIVE_INFINITY;

  function refuse(address: string | undefined, limit: number): void {
    if (performance.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = performance.now();
    onFull({ address, limit });
  }

  server.maxConnections = most;
  server.on('drop', (dropped) => refuse(dropped?.remoteAddress, most));
  server.on('connection', (socket: Socket) => {
    // Asked for here, so that it is known as long as the connection is spoken of, also when it has closed.
    const { remoteAddress } = socket;
    open.add(socket);
    const address =
      remoteAddress === undefined || isExempt(remoteAddress) ? undefined : network(remoteAddress);
    const count = address === undefined ? 0 : (byAddress.get(address) ?? 0) + 1;
    if (address !== undefined) byAddress.set(address, count);
    socket.once('close', () => {
      open.delete(socket);
      if (address === undefined) return;
      const left = byAddress.get(address)! - 1;
      if (left === 0) byAddress.delete(address);
      else byAddress.set(address, left);
    });
    if (count <= mostPerAddress) return;
    refuse(remoteAddress, mostPerAddress);
    socket.destroy();
  });
  return open;
}
