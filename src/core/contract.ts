/**
 * What the core and its adapters say to each other. Imports nothing of the project.
 *
 * Plain objects, and neither Node's req/res nor web Requests: req/res would lose the headers and hooks of
 * hosts such as Fastify and hang on bodies that a host has parsed; web objects cost two to four times as much
 * on short JSON answers.
 */
import type { Readable } from 'node:stream';

/** Header names in lower case, as Node gives them. */
export type RequestHeaders = Record<string, string | string[] | undefined>;
export type ResponseHeaders = Record<string, string | string[]>;

/** Stands for a body that a host's parser has read as another type: its original bytes are lost. */
export const MISREAD = Symbol('misread body');

export interface GatewayRequest {
  /** In upper case. */
  method: string;
  /** Path and query, relative to where the gateway is mounted: `/openai/v1/models?x=1`. */
  url: string;
  headers: RequestHeaders;
  /** A stream or bytes not read yet, or the value that a host's body parser made of them. */
  body?: Readable | Buffer | string | unknown;
  /** The client's address, for the login throttle. */
  ip?: string;
  /** The connection's own addresses, whatever proxies say. Node's sockets have this shape. */
  connection?: { readonly remoteAddress?: string; readonly localAddress?: string };
  /**
   * Said where there is no host app: every path is the gateway's then, and `Host` is for it to check. Two such headers
   * are given as a list.
   */
  server?: { readonly loopback: boolean };
  /** `access-control-allow-origin`, where a host app has set it: pages of that origin may call it. */
  corsOrigin?: string;
  /** Aborted when the client has gone. */
  signal?: AbortSignal;
  /**
   * Answer `/`, `/status`, `/healthz`, `/readyz` and `/metrics` too. Off where the gateway is mounted at the
   * root of a host app, which has such paths of its own.
   */
  operations?: boolean;
  /**
   * What the host calls a request, for `authenticate`: Express's `req`, Koa's `ctx`, Fastify's `request`, and Node's
   * in the standalone server.
   */
  raw?: unknown;
}

export interface GatewayResponse {
  status: number;
  /** Names in lower case. */
  headers: ResponseHeaders;
  body: Buffer | string | Readable;
}

/** Who asks: a user of Parallama's accounts or of the host app. */
export interface Identity {
  /** Stable and unique; quotas and history hang on it. */
  id: string;
  username?: string;
  role: string;
}

/** The host app's own sign-in. `undefined` (or null) is answered 401, or left to our keys. May be async. */
export type Authenticate = (request: GatewayRequest) => Identity | undefined | Promise<Identity | undefined>;

/** Whose manner of speaking a route has: errors are rendered in it. */
export type Dialect = 'openai' | 'ollama';

/** The gateways that users have limits on. */
export const GATEWAYS = ['ollama', 'openai'] as const;
export type GatewayName = (typeof GATEWAYS)[number];
