/** What an operation gets, and small ways to answer. */
import type { Authenticated } from '../auth/authenticator.js';
import type { Dialect, GatewayRequest, GatewayResponse, Identity } from '../contract.js';
import type { GatewayError } from '../errors.js';
import type { Route } from '../routes.js';

/** One request on its way through the gateway. */
export interface Call {
  /** The request id. */
  id: string;
  request: GatewayRequest;
  /** Undefined for a path under one of our prefixes where nothing is. */
  route: Route | undefined;
  dialect: Dialect;
  /** What stands in the place of `{id}` in the route. */
  param?: string;
  /** Without query. */
  path: string;
  /** {@link NOBODY} on public routes. */
  identity: Authenticated;
  /** On performance.now()'s clock. */
  startedAt: number;
  /** Why it was refused. */
  failure?: GatewayError;
}

export const NOBODY: Identity = Object.freeze({ id: '', role: '' });

export type Operation = (call: Call) => Promise<GatewayResponse>;

export const JSON_TYPE = 'application/json; charset=utf-8';

export function json(status: number, value: unknown): GatewayResponse {
  return { status, headers: { 'content-type': JSON_TYPE }, body: JSON.stringify(value) };
}

/** A value as JSON; text and bytes are JSON already. */
export function jsonOf(value: unknown): GatewayResponse {
  if (typeof value !== 'string' && !Buffer.isBuffer(value)) return json(200, value);
  return { status: 200, headers: { 'content-type': JSON_TYPE }, body: value };
}

export function noContent(): GatewayResponse {
  return { status: 204, headers: {}, body: '' };
}
