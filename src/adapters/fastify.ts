/** Fastify 5. Public as `parallama/fastify`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Gateway } from '../core/gateway.js';
import { declareRoutes, takeAnyBody } from './fastify-scope.js';
import { lingering } from './linger.js';
import { checkGateway, toGatewayRequest, underPrefix } from './node.js';
import { createTurns } from './turns.js';

export interface PluginOptions {
  gateway: Gateway;
  /** Fastify's own: where the gateway's paths begin, such as `/ai`. */
  prefix?: string;
  /** Answer `/`, `/status`, `/healthz`, `/readyz` and `/metrics` too; under a prefix it always does. */
  operations?: boolean;
}

/**
 * A plugin with a scope of its own: it takes bodies unread, and the app's parsers stay as they are. It declares the
 * gateway's paths and no others, so that an app may have a front page and a wildcard of its own beside it.
 *
 * @example
 * await app.register(parallama, { gateway, prefix: '/ai' });
 */
export async function parallama(app: FastifyInstance, { gateway, ...options }: PluginOptions): Promise<void> {
  checkGateway(gateway);
  const { operations = app.prefix !== '' } = options;
  takeAnyBody(app);
  const turns = createTurns();

  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const turn = turns.wait(request.raw, reply.raw);
    if (turn && !(await turn)) return reply.hijack();
    const url = underPrefix(request.raw.url ?? '/', app.prefix) ?? '/';
    const answered = await gateway.handle(
      toGatewayRequest(gateway, request.raw, reply.raw, {
        url,
        // The stream as the app's preParsing hooks have left it; undefined where the request has no body.
        body: request.body,
        ip: request.ip,
        operations,
        corsOrigin: textOf(reply.getHeader('access-control-allow-origin')),
        raw: request,
      }),
    );
    if (!answered) return reply.callNotFound();
    const { status, headers, body } = lingering(request.raw, answered);
    reply.code(status).headers(headers);
    return reply.send(status === 204 ? undefined : body);
  };

  declareRoutes(app, gateway.patterns({ operations }), answer);
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
