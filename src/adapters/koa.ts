/** Koa 2 and 3. Public as `parallama/koa`. */
import type { Gateway } from '../core/gateway.js';
import type { KoaContext } from './koa-context.js';
import { lingering } from './linger.js';
import { checkGateway, toGatewayRequest, underPrefix } from './node.js';
import { parsedBody } from './parsed-body.js';
import { createTurns } from './turns.js';

export interface MountOptions {
  /** Where the gateway's paths begin, such as `/ai`. */
  prefix?: string;
  /** Answer `/`, `/status`, `/healthz`, `/readyz` and `/metrics` too; under a prefix it always does. */
  operations?: boolean;
}

/**
 * Middleware that sets `ctx.status` and `ctx.body`, so that outer middleware sees them.
 *
 * @example
 * app.use(parallama(gateway, { prefix: '/ai' }));
 */
export function parallama(gateway: Gateway, { prefix = '', operations = prefix !== '' }: MountOptions = {}) {
  checkGateway(gateway);
  const turns = createTurns();
  return async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const turn = turns.wait(ctx.req, ctx.res);
    if (turn && !(await turn)) {
      ctx.respond = false;
      return;
    }
    const url = underPrefix(ctx.url, prefix);
    const answer =
      url === undefined
        ? null
        : await gateway.handle(
            toGatewayRequest(gateway, ctx.req, ctx.res, {
              url,
              body: parsedBody(ctx.req, ctx.request.body, ctx.request.rawBody),
              ip: ctx.ip,
              operations,
              raw: ctx,
            }),
          );
    if (!answer) {
      await next();
      return;
    }
    const { status, headers, body } = lingering(ctx.req, answer);
    ctx.status = status;
    for (const [name, value] of Object.entries(headers)) ctx.set(name, value);
    ctx.body = status === 204 ? null : body;
  };
}
