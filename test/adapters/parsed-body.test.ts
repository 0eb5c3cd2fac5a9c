/** JSON that was sent as something else, behind the parsers that apps have: it is taken as it was written, or refused. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import bodyParser from 'koa-bodyparser';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import * as forExpress from '../../src/adapters/express.js';
import * as forFastify from '../../src/adapters/fastify.js';
import * as forKoa from '../../src/adapters/koa.js';
import { type Rig, send, startRig } from '../support/gateway.js';
import { type HostApp, listening } from './suite.js';

const express4 = createRequire(import.meta.url)('express4') as typeof express;
const FORM = 'application/x-www-form-urlencoded';
const TYPES = [FORM, `${FORM}; charset=utf-8`, 'text/plain', '', 'json', 'a/b/c', ';;;', undefined];

let rig: Rig;
let key: string;
beforeAll(async () => {
  rig = await startRig();
  ({ key } = await rig.user());
});
afterAll(() => rig.close());

interface Options {
  extended?: boolean;
  keepsBytes?: boolean;
}

function expressWith(
  create: typeof express,
  { extended = true, keepsBytes = false }: Options,
): Promise<HostApp> {
  const app = create();
  const verify = (req: object, _res: unknown, bytes: Buffer) => {
    if (keepsBytes) Object.assign(req, { rawBody: bytes });
  };
  app.use(create.json({ verify })).use(create.urlencoded({ extended, verify }));
  return listening(createServer(app.use(forExpress.parallama(rig.gateway))));
}

const HOSTS: Record<string, () => Promise<HostApp>> = {
  'Express 5, urlencoded': () => expressWith(express, { extended: false }),
  'Express 5, urlencoded extended': () => expressWith(express, {}),
  'Express 5, with rawBody': () => expressWith(express, { keepsBytes: true }),
  'Express 4, urlencoded': () => expressWith(express4, { extended: false }),
  'Express 4, urlencoded extended': () => expressWith(express4, {}),
  'Koa, koa-bodyparser': () => {
    const app = new Koa().use(bodyParser({ enableTypes: ['json', 'form', 'text'] }));
    return listening(createServer(app.use(forKoa.parallama(rig.gateway)).callback()));
  },
  Fastify: async () => {
    const app = Fastify();
    await app.register(forFastify.parallama, { gateway: rig.gateway });
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
  },
  'the server': async () => ({ url: rig.url, close: async () => {} }),
};

async function started(name: string): Promise<string> {
  const { url, close } = await HOSTS[name]!();
  onTestFinished(close);
  return url;
}

const ask = (url: string, body: unknown, type: string | undefined) =>
  send(url, '/ollama/api/chat', { key, body, headers: type === undefined ? {} : { 'content-type': type } });

const chat = (content: string) => ({ model: 'llama2', stream: false, messages: [{ role: 'user', content }] });
/** What Ollama was asked last. */
const asked = () =>
  (rig.simulator.requests.at(-1)!.body as { messages: { content: string }[] }).messages[0]!.content;

describe.each(Object.keys(HOSTS))('%s', (name) => {
  test.each(TYPES)('content type %j: the body is JSON', async (type) => {
    const url = await started(name);
    expect((await ask(url, chat('Hello!'), type)).status).toBe(200);
    expect(asked()).toBe('Hello!');
  });

  test('no character is lost: what cannot be told for certain is refused, with words that help', async () => {
    const url = await started(name);
    for (const content of [
      '1+1',
      'a b',
      'a=b&c=d',
      '100%41',
      'x[1]y[2]',
      'x[1]',
      '{"a":[1]} é',
      '["',
      '\\"]}',
    ]) {
      const known = rig.simulator.requests.length;
      const reply = await ask(url, chat(content), FORM);
      if (reply.status === 200) expect(asked()).toBe(content);
      else {
        expect([content, reply.status]).toEqual([content, 415]);
        expect(reply.text).toContain('content-type: application/json');
        expect(rig.simulator.requests.length).toBe(known);
      }
      expect((await ask(url, chat(content), 'application/json')).status).toBe(200);
      expect(asked()).toBe(content);
    }
  });
});

test.each(['Express 5, with rawBody', 'Koa, koa-bodyparser', 'Fastify', 'the server'])(
  '%s has the bytes, so that nothing has to be refused',
  async (name) => {
    const url = await started(name);
    expect((await ask(url, chat('1 + 1 = %41 [2]'), FORM)).status).toBe(200);
    expect(asked()).toBe('1 + 1 = %41 [2]');
  },
);

test('a form that is one is refused as such', async () => {
  const url = await started('Express 5, urlencoded');
  expect((await ask(url, 'model=llama2&prompt=hi', FORM)).status).toBe(415);
});
