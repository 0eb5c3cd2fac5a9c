/** The gateway as a server of its own. Public as `parallama/server`. */
import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestHeaders } from '../core/contract.js';
import { errorResponse, GatewayError } from '../core/errors.js';
import type { Gateway } from '../core/gateway.js';
import { isLoopback, listenOn, socketPath, withoutBrackets } from './address.js';
import { createClientAddress } from './client-address.js';
import { boundConnections } from './connections.js';
import { send, toGatewayRequest } from './node.js';
import { createTurns } from './turns.js';

export interface ServeOptions {
  /** An address, or `unix:` and the path of a socket; the configuration's where absent. */
  host?: string;
  /** 0 takes any free port; the configuration's where absent. */
  port?: number;
}

export interface RunningServer {
  /** `http://127.0.0.1:8000`, or `unix:/run/parallama.sock`. */
  url: string;
  host: string;
  port: number;
  /** Turns `/readyz` to 503; `server.drain_delay` seconds later accepts no more, and lets running requests end for up to `server.shutdown_timeout` seconds. */
  drain(): Promise<void>;
  /** Drains, and closes the gateway. */
  close(): Promise<void>;
}

/** The other end of a Unix socket has no address, and is a program of this machine. */
const HERE = { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' };

/** All times are milliseconds. */
function listener(clientTimeout: number, keepAliveTimeout: number): ServerOptions {
  return {
    keepAliveTimeout,
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
  const path = socketPath(host);
  const about = { loopback: isLoopback(host) };
  const turns = createTurns();
  let draining: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const server = createServer(
    listener(settings.client_timeout * 1_000, settings.keep_alive_timeout * 1_000),
    (req, res) => {
      // Clients with a connection of their own learn from this that the next request needs a new one.
      if (draining) res.setHeader('connection', 'close');
      answer(req, res).catch((error: unknown) => fail(req, res, error));
    },
  );
  const sockets = boundConnections(server, {
    most: settings.max_connections,
    mostPerAddress: settings.max_connections_per_address,
    isExempt: (peer) => isLoopback(peer.replace(/^::ffff:/, '')) || clientAddress.isProxy(peer),
    onFull: (fields) => gateway.logs.gateway.warn(fields, 'connections are refused: there are too many'),
  });

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const turn = turns.wait(req, res);
    if (turn && !(await turn)) return;
    const request = toGatewayRequest(gateway, req, res, {
      url: req.url ?? '/',
      headers: headersOf(req),
      server: about,
      ip: clientAddress(req, path === undefined ? req.socket.remoteAddress : HERE.remoteAddress),
      connection: path === undefined ? req.socket : HERE,
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

  await listenOn(server, { host, port: options.port ?? settings.port, socketMode: settings.socket_mode });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

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

  /** Load balancers see that it is about to end before connections are refused. */
  async function endSlowly(): Promise<void> {
    gateway.drain();
    if (settings.drain_delay > 0) await sleep(settings.drain_delay * 1_000);
    await stop();
  }

  function drain(): Promise<void> {
    draining ??= endSlowly();
    return draining;
  }

  return {
    url: urlOf(host, port),
    host,
    port,
    drain,
    close() {
      closing ??= drain().then(() => gateway.close());
      return closing;
    },
  };
}

function urlOf(host: string, port: number): string {
  if (socketPath(host) !== undefined) return host;
  const name = withoutBrackets(host);
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
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
