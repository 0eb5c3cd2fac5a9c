/** The gateway as a server of its own. Public as `parallama/server`. */
import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { RequestHeaders } from '../core/contract.js';
import { errorResponse, GatewayError } from '../core/errors.js';
import type { Gateway } from '../core/gateway.js';
import { isLoopback } from './address.js';
import { createClientAddress } from './client-address.js';
import { send, toGatewayRequest } from './node.js';
import { createTurns } from './turns.js';

export interface ServeOptions {
  /** The configuration's where absent. */
  host?: string;
  /** 0 takes any free port; the configuration's where absent. */
  port?: number;
}

export interface RunningServer {
  /** `http://127.0.0.1:8000` */
  url: string;
  host: string;
  port: number;
  /** Accepts no more, and lets running requests end for up to `server.shutdown_timeout` seconds. */
  drain(): Promise<void>;
  /** Drains, and closes the gateway. */
  close(): Promise<void>;
}

/** All times are milliseconds. */
function listener(clientTimeout: number): ServerOptions {
  return {
    // Longer than clients keep idle connections, so that none is closed just as a client uses it again.
    keepAliveTimeout: 75_000,
    // From connecting, or from the first byte, to the last header.
    headersTimeout: Math.min(60_000, clientTimeout),
    connectionsCheckingInterval: 1_000,
    // Uploads of models take all their time; other bodies are timed where they are read.
    requestTimeout: 0,
    // A client whose machine is gone is noticed, also while a model thinks.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  };
}

/**
 * @throws Error with code EADDRINUSE, EACCES or ENOTFOUND where it cannot listen; the gateway stays open then
 *
 * @example
 * const server = await serve(await createGateway(), { port: 8000 });
 * console.log(server.url);
 */
export async function serve(gateway: Gateway, options: ServeOptions = {}): Promise<RunningServer> {
  const { server: settings } = gateway.config;
  const host = options.host ?? settings.host;
  const clientAddress = createClientAddress(settings.trust_proxy);
  const about = { loopback: isLoopback(host) };
  const turns = createTurns();
  let draining: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const server = createServer(listener(settings.client_timeout * 1_000), (req, res) => {
    // Clients with a connection of their own learn from this that the next request needs a new one.
    if (draining) res.setHeader('connection', 'close');
    answer(req, res).catch((error: unknown) => fail(req, res, error));
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const turn = turns.wait(req, res);
    if (turn && !(await turn)) return;
    const request = toGatewayRequest(gateway, req, res, {
      url: req.url ?? '/',
      headers: headersOf(req),
      server: about,
      ip: clientAddress(req, req.socket.remoteAddress),
      operations: true,
    });
    // Without a host app, every path is the gateway's.
    await send(req, res, (await gateway.handle(request))!);
  }

  /** What is thrown is a bug, be it in the gateway or on the way out. Nothing may end the process. */
  async function fail(req: IncomingMessage, res: ServerResponse, error: unknown): Promise<void> {
    gateway.logs.error.error({ err: error }, 'bug');
    if (res.headersSent) res.destroy();
    else
      await send(req, res, errorResponse(new GatewayError('internal'), 'openai')).catch(() => res.destroy());
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? settings.port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;

  async function stop(): Promise<void> {
    const timer = setTimeout(() => server.closeAllConnections(), settings.shutdown_timeout * 1_000);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      // Clients connect ahead of their next request, and Node does not count such a connection as idle.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    });
    clearTimeout(timer);
  }

  function drain(): Promise<void> {
    draining ??= stop();
    return draining;
  }

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    host,
    port,
    drain,
    close() {
      closing ??= drain().then(() => gateway.close());
      return closing;
    },
  };
}

/** The names of two headers are given as a list: Node shows the first alone. */
function headersOf({ headers, rawHeaders }: IncomingMessage): RequestHeaders {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count > 1 ? { ...headers, host: Array<string>(count).fill(headers.host ?? '') } : headers;
}
