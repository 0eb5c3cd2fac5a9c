/** Express 4 and 5. Public as `parallama/express`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gateway } from '../core/gateway.js';
import { type MountedRequest, placeOf } from './mount.js';
import { checkGateway, send, toGatewayRequest } from './node.js';
import { parsedBody } from './parsed-body.js';
import { createTurns } from './turns.js';

export interface MountOptions {
  /** Answer `/`, `/status`, `/healthz`, `/readyz` and `/metrics` too; under a path it always does. */
  operations?: boolean;
}

/** What the adapter reads of Express's request. */
interface ExpressRequest extends IncomingMessage, Pick<MountedRequest, 'baseUrl' | 'params' | 'route'> {
  body?: unknown;
  /** Bytes that many apps keep, for signatures. */
  rawBody?: unknown;
  ip?: string;
}

export type ExpressHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/**
 * Middleware that answers the gateway's routes and leaves all others to the app.
 *
 * @example
 * app.use(parallama(gateway));
 * app.use('/ai', parallama(gateway));
 */
export function parallama(gateway: Gateway, { operations }: MountOptions = {}): ExpressHandler {
  checkGateway(gateway);
  const turns = createTurns();
  return async (req, res, next) => {
    const turn = turns.wait(req, res);
    if (turn && !(await turn)) return;
    const { body, rawBody, ip } = req as ExpressRequest;
    const { prefix, url } = placeOf(req as ExpressRequest);
    try {
      const answer = await gateway.handle(
        toGatewayRequest(gateway, req, res, {
          url,
          body: parsedBody(req, body, rawBody),
          ip,
          operations: operations ?? prefix !== '',
        }),
      );
      if (answer) await send(req, res, answer);
      else next();
    } catch (error) {
      next(error);
    }
  };
}
