/**
 * What an account endpoint is given and gives: no request, no response, so that any route can call it.
 */
import type { Identity } from '../contract.js';
import { unauthorized } from './unauthorized.js';

export interface AuthInput {
  /** A parsed JSON value, or undefined where the request has no body. */
  body: unknown;
  /** The client's address. */
  ip?: string;
  /** Who asks, where the route needs a key. */
  identity?: Identity;
  params?: { id?: string };
}

export interface AuthOutput {
  status: number;
  /** To be sent as JSON. */
  body?: unknown;
}

/** @throws GatewayError, StoreUnavailable */
export type AuthEndpoint = (input: AuthInput) => Promise<AuthOutput>;

/** pino's manner. No names (a password may have been typed there), no keys, no tokens. */
export interface AuthLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** @throws GatewayError `no_key` */
export function known(identity: Identity | undefined): Identity {
  if (!identity) throw unauthorized('no_key');
  return identity;
}
