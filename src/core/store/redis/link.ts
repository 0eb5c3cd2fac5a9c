/**
 * A link: one connection to a server, or to the nodes of a cluster. A link that is lost is replaced by a new one, which
 * finds out anew who is there.
 */
import type KeyvRedis from '@keyv/redis';
import type { RedisClientOptions, RedisClusterType } from '@keyv/redis';
import {
  type Client,
  type Cluster,
  connectClient,
  connectCluster,
  firstThatAnswers,
  loadLibrary,
  PLAIN,
  SOCKET,
} from './clients.js';
import { replyCode, unreachable } from './failure.js';
import { type ServerInfo, serverInfo } from './server.js';
import { type Address, isSame, type Target } from './target.js';

export interface Link extends ServerInfo {
  /** False once it can be of no more use. */
  isOpen(): boolean;
  /** Runs a command where `key` lives. */
  send(key: string, command: string[]): Promise<unknown>;
}

export interface Linker {
  /** Loads the code that links need, once. */
  load(): Promise<unknown>;
  /** Opens a link, which ends with the signal, open or not. */
  open(signal: AbortSignal): Promise<Link>;
}

/** Links to where `target` says. */
export function linkTo(target: Target): Linker {
  let library: ReturnType<typeof loadLibrary> | undefined;
  /** Nodes of the cluster as they were known last: one of them answers when those that were configured are gone. */
  let known: Address[] = [];

  const load = () => {
    library ??= loadLibrary();
    return library;
  };

  const open = async (signal: AbortSignal): Promise<Link> => {
    const { createClient, createCluster } = await load();
    const { username, password, database, addresses } = target;
    const options = { ...PLAIN, ...(password === undefined ? {} : { username, password }) };
    const others = known.filter((node) => !addresses.some((address) => isSame(node, address)));
    const make = (at: Address) => createClient({ ...options, database, socket: socketOf(target, at) });
    const { client, address } = await firstThatAnswers([...addresses, ...others], make, signal);
    const link = await linkBy(client);
    if (!link.clustered) return link;
    client.destroy();
    const cluster: Cluster = createCluster({
      rootNodes: [{ socket: socketOf(target, address) }],
      defaults: { ...options, socket: socketOf(target) },
      // A master that is away must not keep us from the others.
      minimizeConnections: true,
    });
    await connectCluster(cluster, signal);
    known = cluster.masters.map(({ host, port }) => ({ host, port }));
    return { ...linkByCluster(cluster), notice: link.notice };
  };

  return { load, open };
}

/**
 * Links with the options of an adapter's client; the client itself stays its owner's.
 * @throws Error where the adapter is on Redis Sentinel
 */
export function linkLike(adapter: KeyvRedis<unknown>): Linker {
  if (adapter.isSentinel()) {
    throw new Error(
      'A KeyvRedis on Redis Sentinel cannot be the store. Give the URL of a server or a cluster.',
    );
  }
  const open = async (signal: AbortSignal): Promise<Link> => {
    if (adapter.isCluster()) {
      const given = adapter.client as RedisClusterType;
      const cluster: Cluster = given.duplicate({
        minimizeConnections: true,
        RESP: 2,
        commandOptions: undefined,
      });
      await connectCluster(cluster, signal);
      const link = linkByCluster(cluster);
      // The node that is asked may be the one that is away.
      const { notice } = await infoBy(link.send).catch(() => serverInfo(undefined));
      return { ...link, notice };
    }
    const given = adapter.client as LikeClient;
    // The URL was read when the client was made; read again, it would undo `socket`.
    const client = given.duplicate({
      ...PLAIN,
      url: undefined,
      socket: { ...given.options.socket, ...SOCKET },
    });
    await connectClient(client, signal);
    return linkBy(client);
  };

  return { load: async () => undefined, open };
}

/** What the types of node-redis, which depend on the options, have in common. */
interface LikeClient {
  options: Pick<RedisClientOptions, 'socket'>;
  duplicate(options: object): Client;
}

function socketOf({ tls }: Target, address?: Address) {
  return tls ? { ...SOCKET, ...address, tls: true as const } : { ...SOCKET, ...address };
}

async function linkBy(client: Client): Promise<Link> {
  const send: Link['send'] = (_, command) => client.sendCommand(command);
  return { ...(await infoBy(send)), isOpen: () => client.isReady, send };
}

function linkByCluster(cluster: Cluster): Link {
  return {
    clustered: true,
    isOpen: () => cluster.isOpen,
    send: (key, command) => cluster.sendCommand(key, false, command),
  };
}

async function infoBy(send: Link['send']): Promise<ServerInfo> {
  const info = await send('any', ['INFO']).catch((error: unknown) => {
    // Some hosts forbid it, or give it another name.
    if (!['NOPERM', 'ERR'].includes(replyCode(error) ?? '')) throw unreachable(error);
    return undefined;
  });
  return serverInfo(info === undefined ? undefined : String(info));
}
