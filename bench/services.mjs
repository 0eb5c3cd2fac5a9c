/** Redis, PostgreSQL and nginx: found, installed or started by the same code as for the tests. */
import { randomBytes } from 'node:crypto';
import { registerHooks } from 'node:module';

// That code is TypeScript, which Node reads, and names its files as TypeScript wants it: `./debian.js`.
registerHooks({
  resolve(specifier, context, next) {
    const own = specifier.startsWith('.') && context.parentURL?.includes('/test/support/');
    return next(own ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});
const [{ startRedis }, { startPostgres }, { findProgram }, { freePort }] = await Promise.all([
  import('../test/support/services/redis.ts'),
  import('../test/support/services/postgres.ts'),
  import('../test/support/services/debian.ts'),
  import('../test/support/services/port.ts'),
]);

export { findProgram, freePort };

const started = [];
const place = `bench_${randomBytes(4).toString('hex')}`;
const under = (url, query) => `${url}${url.includes('?') ? '&' : '?'}${query}`;

async function own(start) {
  const server = await start();
  started.push(server);
  return server;
}

/** The one that REDIS_URL names, or one of our own, whose `pid` is known. */
export async function redis() {
  const { url, pid } = process.env.REDIS_URL ? { url: process.env.REDIS_URL } : await own(startRedis);
  return { url: under(url, `prefix=${place}:`), pid };
}

export async function postgres() {
  const { url, pid } = process.env.POSTGRES_URL
    ? { url: process.env.POSTGRES_URL }
    : await own(startPostgres);
  return { url: under(url, `schema=${place}`), pid };
}

export async function stopServices() {
  await Promise.all(started.map((server) => server.stop()));
}
