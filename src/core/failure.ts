/** What anything that was thrown is to the client. */
import { errors } from 'undici';
import { GatewayError } from './errors.js';
import { StoreUnavailable } from './store/port.js';

/** Seconds after which a client may ask a store again that was away. */
const STORE_RETRY = '2';

/** Errors of our own stay; a store or an upstream that is away is told as such; the rest are bugs. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof StoreUnavailable) return storeAway(error);
  if (isConnectionFailure(error)) return new GatewayError('upstream_unavailable', { cause: error });
  return new GatewayError('internal', { cause: error });
}

export function storeAway(cause?: unknown): GatewayError {
  return new GatewayError('store_unavailable', { cause, headers: { 'retry-after': STORE_RETRY } });
}

/** An answer of the upstream that broke off while it was read, or was no HTTP; sockets and zlib number their errors. */
function isConnectionFailure(error: unknown): boolean {
  return (
    error instanceof errors.UndiciError ||
    error instanceof errors.HTTPParserError ||
    (error instanceof Error && 'errno' in error)
  );
}
