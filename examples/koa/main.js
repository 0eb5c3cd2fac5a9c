/** A Koa app with Parallama under `/ai`. */
import Koa from 'koa';
import { createGateway } from 'parallama';
import { parallama } from 'parallama/koa';

const gateway = await createGateway();

const app = new Koa();
app.use(async (ctx, next) => {
  await next();
  // Outer middleware sees the gateway's answers as it sees the app's own.
  ctx.set('x-answered-with', String(ctx.status));
});
app.use(parallama(gateway, { prefix: '/ai' }));
app.use((ctx) => {
  ctx.body = 'The app itself is as it was.';
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}`);
});

// Running answers end, then the gateway lets go of its store.
process.once('SIGTERM', () => server.close(() => gateway.close()));
