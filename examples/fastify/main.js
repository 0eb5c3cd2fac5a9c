/** A Fastify app with Parallama under `/ai`. */
import Fastify from 'fastify';
import { createGateway } from 'parallama';
import { parallama } from 'parallama/fastify';

const gateway = await createGateway();

const app = Fastify();
app.addHook('onClose', () => gateway.close());
await app.register(parallama, { gateway, prefix: '/ai' });
app.get('/', async () => 'The app itself is as it was.');
app.post('/notes', async (request, reply) => reply.code(201).send(request.body));

await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log(`http://localhost:${app.server.address().port}`);

process.once('SIGTERM', () => app.close());
