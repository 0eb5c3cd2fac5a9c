/** @fastify/reply-from: bytes through over undici, nothing read. */
import replyFrom from '@fastify/reply-from';
import Fastify from 'fastify';
import { ready } from '../processes/child.mjs';

const app = Fastify();
await app.register(replyFrom, { base: process.env.UPSTREAM, undici: { connections: 1_024, pipelining: 1 } });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
app.all('/*', (request, reply) => reply.from(request.url));
ready({ url: await app.listen({ host: '127.0.0.1', port: 0 }) });
