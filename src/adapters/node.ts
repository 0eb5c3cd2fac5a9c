/** Between Node's req/res and the contract: what Express and the standalone server share. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { GatewayRequest, GatewayResponse, RequestHeaders } from '../core/contract.js';
import type { Gateway } from '../core/gateway.js';
import { lingering } from './linger.js';
import { watchStandstill } from './standstill.js';

export interface NodeRequestOptions {
  /** Relative to where the gateway is mounted. */
  url: string;
  /** Node's own where absent. */
  headers?: RequestHeaders;
  /** What a host's body parser has made of the body; undefined where it was not read. */
  body?: unknown;
  ip?: string;
  /** Node's socket where absent. */
  connection?: GatewayRequest['connection'];
  operations: boolean;
  server?: GatewayRequest['server'];
  /** Where the host app's own CORS is not in Node's response yet. */
  corsOrigin?: string;
  /** What the host calls a request, for `authenticate`; Node's own where absent. */
  raw?: unknown;
}

/**
 * A gateway, and not the promise of one: that would be seen with the first request only.
 * @throws TypeError
 */
export function checkGateway(gateway: Gateway | undefined): void {
  if (typeof gateway?.handle === 'function') return;
  throw new TypeError(
    'This is no gateway. Give parallama() what createGateway() resolves to: await it first.',
  );
}

/** The request, with a signal that is aborted when the client leaves before its answer is complete. */
export function toGatewayRequest(
  { config }: Gateway,
  req: IncomingMessage,
  res: ServerResponse,
  {
    url,
    headers = req.headers,
    body,
    ip,
    connection = req.socket,
    operations,
    server,
    corsOrigin,
    raw = req,
  }: NodeRequestOptions,
): GatewayRequest {
  return {
    method: req.method ?? 'GET',
    url,
    headers,
    body: body === undefined ? req : body,
    ip: ip ?? req.socket.remoteAddress,
    connection,
    signal: departure(req, res, config.server.client_timeout),
    operations,
    raw,
    server,
    corsOrigin: req.headers.origin === undefined ? undefined : (corsOrigin ?? corsOriginOf(res)),
  };
}

/** What a host app's own CORS has said before us. */
function corsOriginOf(res: ServerResponse): string | undefined {
  const value = res.getHeader('access-control-allow-origin');
  return typeof value === 'string' ? value : undefined;
}

/** The URL as seen from `prefix`; undefined where it lies elsewhere. */
export function underPrefix(url: string, prefix: string): string | undefined {
  // In absolute form a target names its server, too.
  const path = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '');
  if (!path.startsWith(prefix)) return undefined;
  const rest = path.slice(prefix.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : undefined;
}

/** Aborted when the connection closes before the answer was sent whole. One that stands still is closed. */
function departure(req: IncomingMessage, res: ServerResponse, timeout: number): AbortSignal {
  const controller = new AbortController();
  const watchNoMore = watchStandstill(req, res, timeout * 1_000);
  const leave = () => {
    watchNoMore();
    if (!res.writableFinished) controller.abort();
  };
  res.once('close', leave);
  return controller.signal;
}

/** Sends the answer. Resolves when it has gone out or the client has left. */
export async function send(req: IncomingMessage, res: ServerResponse, given: GatewayResponse): Promise<void> {
  const answer = lingering(req, given);
  if (res.destroyed) {
    discard(answer);
    return;
  }
  const { status, headers, body } = answer;
  // 204 has no body and no length.
  if (!(body instanceof Readable) && status !== 204)
    headers['content-length'] = String(Buffer.byteLength(body));
  // Headers that the host has set stay, but for those that the gateway sets itself.
  res.writeHead(status, headers);
  if (!(body instanceof Readable)) {
    res.end(req.method === 'HEAD' ? undefined : body);
    return;
  }
  if (req.method === 'HEAD') {
    discard(answer);
    res.end();
    return;
  }
  // Where the first piece is there, the head goes out with it.
  if (body.readableLength === 0) res.flushHeaders();
  await flow(body, res);
}

/**
 * Not `pipeline`, which makes an AbortError with its stack for each answer that comes to its end. A client that leaves
 * is no error; the stream's own destroy tells the gateway.
 */
function flow(body: Readable, res: ServerResponse): Promise<void> {
  const ignore = () => undefined;
  return new Promise((resolve) => {
    body.once('close', () => {
      if (!body.readableEnded) res.destroy();
      resolve();
    });
    body.on('error', ignore);
    res.on('error', ignore).once('close', () => body.destroy());
    body.pipe(res);
  });
}

/** An answer of the upstream that is not read to its end has failed, to its stream: that is no error here. */
function discard({ body }: GatewayResponse): void {
  if (body instanceof Readable) body.on('error', () => undefined).destroy();
}
