/** What a server listens on: an address and a port, or a Unix socket. */
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';

const UNIX = 'unix:';

export const isLoopback = (host: string) => /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/i.test(host);

/** The path of a Unix socket; undefined for an address. */
export const socketPath = (host: string) => (host.startsWith(UNIX) ? host.slice(UNIX.length) : undefined);

/** Brackets belong to URLs; who copies an address out of one has them along. */
export const withoutBrackets = (host: string) => host.replace(/^\[(.*)\]$/, '$1');

export interface Place {
  host: string;
  port: number;
  /** Who may connect to a Unix socket: `660` for its user and group. */
  socketMode: string;
}

/** @throws Error with a code such as EADDRINUSE */
export async function listenOn(server: Server, { host, port, socketMode }: Place): Promise<void> {
  const path = socketPath(host);
  if (path === undefined) return listening(server, { host: withoutBrackets(host), port });
  try {
    await listening(server, { path });
  } catch (error) {
    if (!(await isAbandoned(path))) throw error;
    await unlink(path);
    await listening(server, { path });
  }
  await chmod(path, Number.parseInt(socketMode, 8));
}

function listening(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A killed process leaves its socket file behind. No process listens on such a file. */
async function isAbandoned(path: string): Promise<boolean> {
  const there = await lstat(path).catch(() => undefined);
  if (!there?.isSocket()) return false;
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(false));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
    socket.once('connect', () => socket.destroy());
  });
}
