/**
 * A link: the clients of one attempt to connect, to a server or to a cluster. It does not reconnect; a link that is
 * lost is replaced by a new one, which finds out anew who is there.
 */
import type KeyvRedis from '@keyv/redis';
import type { RedisClientOptions, RedisClusterType } from '@keyv/redis';
import { STORE_DEADLINE } from '../port.js';
import { replyCode, unreachable } from './failure.js';
import { serverInfo } from './server.js';
import type { Address, Target } from './target.js';

export interface Link {
  /** Each node of a cluster has its own clock. */
  clustered: boolean;
  notice?: string;
  /** False once it can be of no more use. */
  isOpen(): boolean;
  /** Runs a command where `key` lives. */
  send(key: string, command: string[]): Promise<unknown>;
}

/** Opens a link, which ends with the signal, open or not. */
export type OpenLink = (signal: AbortSignal) => Promise<Link>;

type Library = typeof import('@keyv/redis');
type Cluster = Pick<RedisClusterType, 'connect' | 'close' | 'isOpen' | 'masters' | 'sendCommand' | 'on'>;

interface Client {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  on(event: 'error', listener: () => void): unknown;
  once(event: 'connect', listener: () => void): unknown;
  connect(): Promise<unknown>;
  sendCommand(command: string[]): Promise<unknown>;
  destroy(): void;
}

/** Links to where `target` says. */
export function linkTo(target: Target): OpenLink {
  /** Nodes of the cluster as they were known last: one of them answers when those that were configured are gone. */
  let known: Address[] = [];

  return async (signal) => {
    const library = await loadLibrary();
    const options = optionsOf(target);
    const configured = target.addresses;
    const others = known.filter(
      (node) => !configured.some((at) => at.host === node.host && at.port === node.port),
    );
    const { client, address } = await firstThatAnswers(
      [...configured, ...others],
      (at) => {
        return library.createClient({ ...options, socket: socketOf(target, at) });
      },
      signal,
    );
    const link = await linkOf(client);
    if (!link.clustered) return link;
    client.destroy();
    const cluster: Cluster = library.createCluster({
      rootNodes: [{ socket: socketOf(target, address) }],
      defaults: { ...options, database: undefined, socket: socketOf(target) },
      // A master that is away must not keep us from the others.
      minimizeConnections: true,
    });
    await connectCluster(cluster, signal);
    known = cluster.masters.map(({ host, port }) => ({ host, port }));
    return { ...clusterLink(cluster), notice: link.notice };
  };
}

/** Links with the options of an adapter's client; the client itself stays its owner's. */
export function linkLike(adapter: KeyvRedis<unknown>): OpenLink {
  if (adapter.isSentinel()) {
    throw new Error(
      'A KeyvRedis on Redis Sentinel cannot be the store. Give the URL of a server or a cluster.',
    );
  }
  return async (signal) => {
    if (adapter.isCluster()) {
      const given = adapter.client as RedisClusterType;
      const cluster: Cluster = given.duplicate({ minimizeConnections: true, ...PLAIN });
      await connectCluster(cluster, signal);
      return clusterLink(cluster);
    }
    const given = adapter.client as {
      options: RedisClientOptions;
      duplicate(more: RedisClientOptions): Client;
    };
    const socket = { ...given.options.socket, ...SOCKET };
    // The URL was read when the client was made; read again, it would undo `socket`.
    const more = { url: undefined, socket, disableOfflineQueue: true, ...PLAIN };
    const client = given.duplicate(more as RedisClientOptions);
    await connectClient(client, signal);
    return linkOf(client);
  };
}

/** @throws Error that says what to install */
async function loadLibrary(): Promise<Library> {
  try {
    return await import('@keyv/redis');
  } catch (cause) {
    throw new Error(
      'The Redis store needs a package that is missing. Install it: npm install @keyv/redis keyv@5',
      {
        cause,
      },
    );
  }
}

/** Replies as the scripts write them. */
const PLAIN = { RESP: 2, commandOptions: undefined } as const;
const SOCKET = { connectTimeout: STORE_DEADLINE, reconnectStrategy: false } as const;

function optionsOf({ username, password, database }: Target): RedisClientOptions {
  return {
    ...(password === undefined ? {} : { username, password }),
    database,
    // What was waiting for a connection must not be sent when its caller has long given up.
    disableOfflineQueue: true,
  };
}

function socketOf({ tls }: Target, address?: Address) {
  return tls ? { ...SOCKET, ...address, tls: true as const } : { ...SOCKET, ...address };
}

async function firstThatAnswers(
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

async function connectClient(client: Client, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
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

async function connectCluster(cluster: Cluster, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
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

async function linkOf(client: Client): Promise<Link> {
  const info = await client.sendCommand(['INFO']).catch((error: unknown) => {
    // Some hosts forbid it, or rename it.
    if (!['NOPERM', 'ERR'].includes(replyCode(error) ?? '')) throw unreachable(error);
    return undefined;
  });
  return {
    ...serverInfo(info === undefined ? undefined : String(info)),
    isOpen: () => client.isReady,
    send: (_, command) => client.sendCommand(command),
  };
}

function clusterLink(cluster: Cluster): Link {
  return {
    clustered: true,
    isOpen: () => cluster.isOpen,
    send: (key, command) => cluster.sendCommand(key, false, command),
  };
}
