/** The gateway's own scope of a Fastify app: its routes, and bodies that are all JSON and that it reads itself. */
import type { FastifyInstance, RouteHandlerMethod } from 'fastify';

const READABLE_TYPE = /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}(?:; ?charset=[\w-]{1,40})?$/;

/** Leaves bodies unread, whatever their type. The parsers of the app outside the scope stay as they are. */
export function takeAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

  // Fastify refuses types that it cannot read before any parser is asked. Here, all bodies are JSON.
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw;
    const type = headers['content-type'];
    if (type !== undefined && !READABLE_TYPE.test(type)) headers['content-type'] = 'application/octet-stream';
    done();
  });
}

/** Each path also with a slash at its end, unless the app has told Fastify to forgive it: both are one route then. */
export function declareRoutes(app: FastifyInstance, patterns: string[], handler: RouteHandlerMethod): void {
  const { ignoreTrailingSlash, routerOptions } = app.initialConfig;
  const forgiving = ignoreTrailingSlash || routerOptions?.ignoreTrailingSlash;
  for (const pattern of patterns) {
    app.all(pattern, handler);
    if (!forgiving && !/[/*]$/.test(pattern)) app.all(`${pattern}/`, handler);
  }
}
