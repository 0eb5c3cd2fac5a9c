/** Whether a request is all here. */
import type { IncomingMessage } from 'node:http';

/**
 * All bytes of a request have come, of which nobody has read any. Node calls it complete in a later turn than that in
 * which its last byte came: the length tells earlier.
 */
export function hasArrived(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (request.complete || encoding !== undefined) return request.complete;
  return request.readableLength === Number(length ?? 0);
}
