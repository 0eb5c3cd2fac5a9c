/** Answers that are given before the request has been read. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { GatewayResponse } from '../core/contract.js';
import { hasArrived } from '../core/http/arrival.js';

/** Milliseconds that a client has to end what it sends. */
const PATIENCE = 10_000;

/**
 * Many clients read nothing before they have sent all. Where the connection ends with the answer (413, 401), such a
 * client would find it reset; so the answer has all its bytes at once, and ends when the client has.
 */
export function lingering(req: IncomingMessage, answer: GatewayResponse): GatewayResponse {
  const { body, headers } = answer;
  if (hasArrived(req) || body instanceof Readable || body.length === 0) return answer;
  return {
    ...answer,
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    body: Readable.from(pieces(req, body)),
  };
}

async function* pieces(req: IncomingMessage, body: string | Buffer): AsyncGenerator<string | Buffer> {
  yield body;
  // One that takes too long would go on after its answer, for as long as it likes.
  await finished(req.resume(), { signal: AbortSignal.timeout(PATIENCE) }).catch(() => req.destroy());
}
