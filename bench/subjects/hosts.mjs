/** The gateway behind each kind of host: what an adapter costs is what is more than `core`. */
import { createServer } from 'node:http';

/** Each listens on a free port of loopback and resolves with its URL. */
export const HOSTS = {
  /** The least that any host does: a request object in, an answer out. */
  async core(gateway) {
    const server = createServer(async (req, res) => {
      const { status, headers, body } = await gateway.handle({
        method: req.method,
        url: req.url,
        headers: req.headers,
        body: req,
      });
      res.writeHead(status, headers);
      if (typeof body === 'string' || Buffer.isBuffer(body)) res.end(body);
      else body.pipe(res);
    });
    return listening(server);
  },

  async server(gateway) {
    const { serve } = await import('../../dist/server.js');
    return (await serve(gateway, { host: '127.0.0.1', port: 0 })).url;
  },

  express4: (gateway) => onExpress('express4', gateway),
  express: (gateway) => onExpress('express', gateway),

  async koa(gateway) {
    const [{ default: Koa }, { parallama }] = await Promise.all([import('koa'), import('../../dist/koa.js')]);
    return listening(createServer(new Koa().use(parallama(gateway)).callback()));
  },

  async fastify(gateway) {
    const [{ default: Fastify }, { parallama }] = await Promise.all([
      import('fastify'),
      import('../../dist/fastify.js'),
    ]);
    const app = Fastify();
    await app.register(parallama, { gateway });
    return app.listen({ host: '127.0.0.1', port: 0 });
  },
};

async function onExpress(name, gateway) {
  const [{ default: express }, { parallama }] = await Promise.all([
    import(name),
    import('../../dist/express.js'),
  ]);
  return listening(createServer(express().use(parallama(gateway))));
}

function listening(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}
