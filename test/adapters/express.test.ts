import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import express from 'express';
import { expect, test } from 'vitest';
import { parallama } from '../../src/adapters/express.js';
import { send, startRig } from '../support/gateway.js';
import { describeHost, HOST_HEADERS, HOST_NOT_FOUND, type Host, listening } from './suite.js';

const express4 = createRequire(import.meta.url)('express4') as typeof express;

const host = (create: typeof express): Host => ({
  start(mounts, parser) {
    const app = create();
    app.disable('x-powered-by');
    app.use((_req, res, next) => {
      res.set(HOST_HEADERS);
      next();
    });
    if (parser === 'before') app.use(create.json());
    for (const { gateway, prefix = '', operations } of mounts) {
      const options = operations === undefined ? {} : { operations };
      if (prefix === '') app.use(parallama(gateway, options));
      else app.use(prefix, parallama(gateway, options));
    }
    if (parser === 'after') app.use(create.json());
    app.get('/', (_req, res) => void res.send('the front page'));
    app.get('/hello', (_req, res) => void res.send('hello from the host'));
    app.post('/echo', (req, res) => void res.json(req.body));
    app.use((_req, res) => void res.status(404).json(HOST_NOT_FOUND));
    return listening(createServer(app));
  },
});

describeHost('Express 5', host(express));
describeHost('Express 4', host(express4));

test('a body that the app has read and thrown away is none, and nothing waits for it', async () => {
  const rig = await startRig();
  const app = express();
  app.use((req, _res, next) => {
    req.resume().once('end', () => next());
  });
  app.use(parallama(rig.gateway));
  const { url, close } = await listening(createServer(app));
  const { key } = await rig.user();
  const body = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] };
  expect(await send(url, '/ollama/api/chat', { key, body })).toMatchObject({
    status: 400,
    json: { error: 'missing request body' },
  });
  await close();
  await rig.close();
});
