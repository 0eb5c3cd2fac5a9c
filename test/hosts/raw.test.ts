/** What the app's own middleware has found out about a request reaches `authenticate`, in each framework's way. */
import { createServer } from 'node:http';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as forExpress from '../../src/adapters/express.js';
import * as forFastify from '../../src/adapters/fastify.js';
import * as forKoa from '../../src/adapters/koa.js';
import type { GatewayRequest, Identity } from '../../src/core/contract.js';
import type { Gateway } from '../../src/core/gateway.js';
import { listening } from '../adapters/suite.js';
import { type Rig, send, startRig } from '../support/gateway.js';
import { hello } from './users.js';

let rig: Rig;
let authenticate: (request: GatewayRequest) => Identity | undefined;
beforeAll(async () => {
  rig = await startRig({ authenticate: (request) => authenticate(request) });
});
afterAll(() => rig.close());

const session = { 'x-session': 'ann' };
/** A session middleware of the app, and how its user is found again. */
const userOf = (name: unknown): Identity | undefined =>
  typeof name === 'string' ? { id: `session-${name}`, role: 'basic' } : undefined;

async function check(url: string): Promise<void> {
  const path = '/openai/v1/chat/completions';
  expect((await send(url, path, { headers: session, body: hello })).status).toBe(200);
  expect((await send(url, path, { body: hello })).status).toBe(401);
  expect((await send(url, '/auth/login', { method: 'POST' })).text).toBe('the login of the app');
}

test('Express: req', async () => {
  authenticate = ({ raw }) => userOf((raw as { session?: string }).session);
  const app = express();
  app.use((req, _res, next) => {
    Object.assign(req, { session: req.get('x-session') });
    next();
  });
  app.use(forExpress.parallama(rig.gateway));
  app.post('/auth/login', (_req, res) => void res.send('the login of the app'));
  const { url, close } = await listening(createServer(app));
  await check(url);
  await close();
});

test('Koa: ctx', async () => {
  authenticate = ({ raw }) => userOf((raw as Koa.Context).state.session);
  const app = new Koa();
  app.use(async (ctx, next) => {
    ctx.state.session = ctx.get('x-session') || undefined;
    await next();
  });
  app.use(forKoa.parallama(rig.gateway));
  app.use((ctx) => {
    ctx.body = 'the login of the app';
  });
  const { url, close } = await listening(createServer(app.callback()));
  await check(url);
  await close();
});

test('Fastify: request', async () => {
  authenticate = ({ raw }) => userOf((raw as { session?: string }).session);
  const app = Fastify();
  app.decorateRequest('session');
  app.addHook('onRequest', async (request) => {
    Object.assign(request, { session: request.headers['x-session'] });
  });
  await app.register(forFastify.parallama, { gateway: rig.gateway });
  app.post('/auth/login', async () => 'the login of the app');
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  await check(url);
  await app.close();
});

test('a gateway that was not awaited is told at once', async () => {
  const promise = Promise.resolve(rig.gateway) as unknown as Gateway;
  expect(() => forExpress.parallama(promise)).toThrow('await it first');
  expect(() => forKoa.parallama(promise)).toThrow('await it first');
  const app = Fastify();
  await expect(app.register(forFastify.parallama, { gateway: promise }).ready()).rejects.toThrow(
    'await it first',
  );
});
