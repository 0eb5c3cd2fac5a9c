import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import Koa from 'koa';
import { expect, test } from 'vitest';
import { parallama } from '../../src/adapters/koa.js';
import { send, startRig } from '../support/gateway.js';
import { describeHost, HOST_HEADERS, HOST_NOT_FOUND, type Host, listening } from './suite.js';

const Koa2 = createRequire(import.meta.url)('koa2') as typeof Koa;

type Parsed = Koa.Request & { body?: unknown };

/** What koa-bodyparser does: reads JSON into `ctx.request.body`, and leaves `{}` where there is none. */
const bodyParser: Koa.Middleware = async (ctx, next) => {
  const request: Parsed = ctx.request;
  request.body = {};
  if (ctx.is('application/json')) {
    let text = '';
    for await (const chunk of ctx.req) text += String(chunk);
    request.body = JSON.parse(text);
  }
  await next();
};

const host = (App: typeof Koa): Host => ({
  start(mounts, parser) {
    const app = new App();
    // Koa tells of clients that leave; what else goes wrong should be seen.
    app.on('error', (error: NodeJS.ErrnoException) => {
      if (!['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET'].includes(error.code ?? '')) app.onerror(error);
    });
    app.use(async (ctx, next) => {
      ctx.set(HOST_HEADERS);
      await next();
    });
    if (parser === 'before') app.use(bodyParser);
    for (const { gateway, prefix, operations } of mounts) app.use(parallama(gateway, { prefix, operations }));
    if (parser === 'after') app.use(bodyParser);
    app.use((ctx) => {
      const request: Parsed = ctx.request;
      if (ctx.path === '/') ctx.body = 'the front page';
      else if (ctx.path === '/hello') ctx.body = 'hello from the host';
      else if (ctx.path === '/echo') ctx.body = request.body;
      else {
        ctx.status = 404;
        ctx.body = HOST_NOT_FOUND;
      }
    });
    return listening(createServer(app.callback()));
  },
});

describeHost('Koa 3', host(Koa));
describeHost('Koa 2', host(Koa2));

test('outer middleware sees the answer', async () => {
  const rig = await startRig();
  const app = new Koa();
  const seen: number[] = [];
  app.use(async (ctx, next) => {
    await next();
    seen.push(ctx.status);
    ctx.set('x-took', '1');
  });
  app.use(parallama(rig.gateway));
  const { url, close } = await listening(createServer(app.callback()));
  const { key } = await rig.user();
  expect((await send(url, '/openai/v1/models', { key })).headers['x-took']).toBe('1');
  expect((await send(url, '/openai/v1/models')).headers['x-took']).toBe('1');
  expect(seen).toEqual([200, 401]);
  await close();
  await rig.close();
});
