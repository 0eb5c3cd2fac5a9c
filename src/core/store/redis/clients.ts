/**
 * The clients of @keyv/redis, which are node-redis: connected once, without any reconnecting of their own, and gone
 * with their signal, connected or not.
 */
import type { RedisClusterType } from '@keyv/redis';
import { STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { unreachable } from './failure.js';
import type { Address } from './target.js';

export interface Client {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  on(event: 'error', listener: () => void): unknown;
  once(event: 'connect', listener: () => void): unknown;
  connect(): Promise<unknown>;
  sendCommand(command: string[]): Promise<unknown>;
  destroy(): void;
}

export type Cluster = Pick<
  RedisClusterType,
  'connect' | 'close' | 'isOpen' | 'masters' | 'sendCommand' | 'on'
>;

type Library = typeof import('@keyv/redis');

/** @throws Error that says what to install */
export async function loadLibrary(): Promise<Library> {
  try {
    return await import('@keyv/redis');
  } catch (cause) {
    const message =
      'The Redis store needs a package that is missing. Install it: npm install @keyv/redis keyv@5';
    throw new Error(message, { cause });
  }
}

/** How every socket connects. */
export const SOCKET = { connectTimeout: STORE_DEADLINE, reconnectStrategy: false } as const;

/** Replies as the scripts write them; nothing that waited for a connection is sent when its caller has given up. */
export const PLAIN = { RESP: 2, commandOptions: undefined, disableOfflineQueue: true } as const;

export async function connectClient(client: Client, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new StoreUnavailable('The store is closed.');
  let connected = false;
  const destroy = () => {
    // A client that is destroyed before it has its socket would keep the socket.
    if (connected && client.isOpen) client.destroy();
  };
  client.on('error', () => undefined);
  client.once('connect', () => {
    connected = true;
    if (signal.aborted) destroy();
  });
  signal.addEventListener('abort', destroy, { once: true });
  await client.connect().catch((error: unknown) => {
    throw unreachable(error);
  });
}

export async function connectCluster(cluster: Cluster, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new StoreUnavailable('The store is closed.');
  const destroy = () => {
    for (const { client } of cluster.masters) {
      // Its own destroy() stops at the first node that is gone already.
      if (client?.isOpen) client.destroy();
    }
    if (cluster.isOpen) cluster.close().catch(() => undefined);
  };
  cluster.on('error', () => undefined);
  signal.addEventListener('abort', destroy, { once: true });
  await cluster.connect().catch((error: unknown) => {
    throw unreachable(error);
  });
  if (signal.aborted) destroy();
}

/** Connects to all, and keeps the one that is first: some may be down. */
export async function firstThatAnswers(
  addresses: Address[],
  make: (address: Address) => Client,
  signal: AbortSignal,
): Promise<{ client: Client; address: Address }> {
  const attempts = addresses.map(async (address) => {
    const client = make(address);
    await connectClient(client, signal);
    return { client, address };
  });
  const first = await Promise.any(attempts).catch((error: AggregateError) => {
    throw error.errors[0];
  });
  for (const attempt of attempts) {
    attempt.then(
      ({ client }) => client !== first.client && client.isOpen && client.destroy(),
      () => undefined,
    );
  }
  return first;
}
