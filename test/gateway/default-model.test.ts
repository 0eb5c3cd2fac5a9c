/** Requests that name no model. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

const messages = [{ role: 'user', content: 'Hello!' }];
const NATIVE: [string, object][] = [
  ['/ollama/v1/chat', { messages }],
  ['/ollama/v1/generate', { prompt: 'Hello!' }],
  ['/ollama/api/chat', { messages }],
  ['/ollama/api/generate', { prompt: 'Hello!' }],
  ['/ollama/api/embed', { input: 'Hello!' }],
  ['/ollama/api/embeddings', { prompt: 'Hello!' }],
  ['/ollama/api/show', {}],
];
const OPENAI: [string, object][] = [
  ['/openai/v1/chat/completions', { messages }],
  ['/openai/v1/completions', { prompt: 'Hello!' }],
  ['/openai/v1/embeddings', { input: 'Hello!' }],
  ['/openai/v1/responses', { input: 'Hello!' }],
];

let rig: Rig;
let key: string;
let narrow: string;
beforeAll(async () => {
  rig = await startRig({
    config: {
      api_gateways: { ollama: { default_model: 'llama2' }, openai: { default_model: 'gpt-4' } },
      roles: { narrow: { models: ['tiny'] } },
      limits: { roles: { narrow: {} } },
    },
  });
  ({ key } = await rig.user('admin'));
  narrow = (await rig.user('narrow')).key;
});
afterAll(() => rig.close());

const asked = () => (rig.simulator.requests.at(-1)?.body as { model?: string } | undefined)?.model;

describe('are served by the default model of their gateway', () => {
  test.each([
    ...NATIVE.map(([path, body]) => [path, body, 'llama2'] as const),
    ...OPENAI.map(([path, body]) => [path, body, 'llama2:70b'] as const),
  ])('%s', async (path, body, upstream) => {
    for (const model of [undefined, null, '']) {
      rig.simulator.requests.length = 0;
      const reply = await send(rig.url, path, { key, body: { ...body, model } });
      expect(reply.status, reply.text).toBe(200);
      expect(asked()).toBe(upstream);
    }
    expect((await send(rig.url, path, { key: narrow, body })).status).toBe(403);
  });

  test('under its name, in a stream too', async () => {
    const whole = await send(rig.url, '/openai/v1/chat/completions', { key, body: { messages } });
    expect(whole.json).toMatchObject({ model: 'gpt-4' });
    const { text } = await send(rig.url, '/ollama/api/chat', { key, body: { messages } });
    expect(new Set(text.match(/"model":"[^"]*"/g))).toEqual(new Set(['"model":"llama2"']));
  });
});

test("where OpenAI's gateway has none of its own, by that of Ollama's", async () => {
  const own = await startRig({ config: { api_gateways: { ollama: { default_model: 'tiny' } } } });
  try {
    const user = await own.user('admin');
    for (const [path, body] of OPENAI) {
      const reply = await send(own.url, path, { key: user.key, body });
      expect([path, reply.status, reply.json]).toMatchObject([path, 200, { model: 'tiny' }]);
    }
  } finally {
    await own.close();
  }
});

test('are 400 where there is none', async () => {
  const own = await startRig({ config: { api_gateways: { ollama: { default_model: undefined } } } });
  try {
    const user = await own.user('admin');
    for (const [path, body] of [...OPENAI, ...NATIVE]) {
      const reply = await send(own.url, path, { key: user.key, body });
      expect([path, reply.status, reply.text]).toEqual([path, 400, expect.stringContaining('model')]);
    }
    expect(own.simulator.requests).toEqual([]);
  } finally {
    await own.close();
  }
});
