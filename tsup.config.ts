import { defineConfig } from 'tsup';
import manifest from './package.json' with { type: 'json' };
import { storeThread } from './scripts/store-thread.js';

/** One entry per subpath of package.json's `exports`, and the command line. */
export default defineConfig({
  entry: {
    index: 'src/index.ts',
    express: 'src/adapters/express.ts',
    koa: 'src/adapters/koa.ts',
    fastify: 'src/adapters/fastify.ts',
    server: 'src/adapters/server.ts',
    client: 'src/client/index.ts',
    translate: 'src/core/translate/index.ts',
    testing: 'src/testing/index.ts',
    cli: 'src/cli/main.ts',
  },
  format: ['esm', 'cjs'],
  target: 'node22',
  dts: true,
  splitting: true,
  clean: true,
  esbuildOptions(options) {
    // As they are written: esbuild would make a new one wherever such a literal stands, with each call.
    options.supported = { 'regexp-unicode-property-escapes': true };
  },
  define: {
    PARALLAMA_VERSION: JSON.stringify(manifest.version),
    PARALLAMA_STORE_THREAD: JSON.stringify(await storeThread()),
  },
});
