/** Express apps mount the gateway under patterns, too: NestJS's `forRoutes('/ai/*path')` is one of these. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import express from 'express';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parallama } from '../../src/adapters/express.js';
import { type Rig, send, startRig } from '../support/gateway.js';
import { HOST_NOT_FOUND, listening } from './suite.js';

const express4 = createRequire(import.meta.url)('express4') as typeof express;

let rig: Rig;
let key: string;
beforeAll(async () => {
  rig = await startRig();
  ({ key } = await rig.user());
});
afterAll(() => rig.close());

type How = 'use' | 'all';
const EXPRESS_5 = ['/v2/*splat', '/v2{/*splat}', '/:version/*rest'];
const EXPRESS_4 = ['/v2/*', '/v2*', '/:version/*'];
const mounts = (['use', 'all'] as const).flatMap((how) => [
  ...EXPRESS_5.map((path): [How, string, typeof express] => [how, path, express]),
  ...EXPRESS_4.map((path): [How, string, typeof express] => [how, path, express4]),
]);

async function appWith(how: How, path: string, create: typeof express): Promise<string> {
  const app = create();
  app[how](path, parallama(rig.gateway));
  app.use((_req, res) => void res.status(404).json(HOST_NOT_FOUND));
  const { url, close } = await listening(createServer(app));
  onTestFinished(close);
  return url;
}

test.each(mounts)('app.%s("%s") mounts it where the wildcard begins', async (how, path, create) => {
  const url = await appWith(how, path, create);
  expect((await send(url, '/v2/openai/v1/models?x=1', { key })).json).toMatchObject({ object: 'list' });
  expect((await send(url, '/v2/openai/v1/models/', { key })).json).toMatchObject({ object: 'list' });
  expect((await send(url, '/v2/openai/v1/models/llama2%3A70b', { key })).json).toMatchObject({
    id: 'llama2:70b',
  });
  const body = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] };
  expect((await send(url, '/v2/openai/v1/chat/completions', { key, body })).status).toBe(200);
  expect((await send(url, '/v2/ollama/api/tags', { key })).json).toMatchObject({ models: expect.any(Array) });
  expect((await send(url, '/v2/status')).json).toMatchObject({ gateways: {} });
  for (const strange of ['/v2/nothing', '/openai/v1/models', '/v2/x/openai/v1/models', '/v2/%zz/x']) {
    const reply = await send(url, strange, { key });
    expect([strange, reply.status]).toEqual([strange, strange.includes('%zz') ? 400 : 404]);
  }
});

test.each<[How, string, typeof express]>([
  ['use', '/*splat', express],
  ['all', '/*splat', express],
  ['all', '*', express4],
])('app.%s("%s") is the root, where service paths are the host\'s', async (how, path, create) => {
  const url = await appWith(how, path, create);
  expect((await send(url, '/openai/v1/models', { key })).status).toBe(200);
  expect((await send(url, '/status')).json).toEqual(HOST_NOT_FOUND);
});

test('a long path of slashes is looked through in no time worth naming', async () => {
  const url = await appWith('use', '/v2/*splat', express);
  expect((await send(url, `/v2${'/a'.repeat(5_000)}`)).json).toEqual(HOST_NOT_FOUND);
});
