/** The client's name for a model, from the request to the log; and the many names that one model has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSettingsAdmin } from '../../src/core/settings.js';
import { type Rig, send, startRig, until } from '../support/gateway.js';

let rig: Rig;
let key: string;
let narrow: string;
beforeAll(async () => {
  rig = await startRig({
    config: {
      roles: { narrow: { models: ['llama2', 'hf.co/a/b:Q4'] } },
      limits: { roles: { narrow: {} } },
    },
  });
  rig.simulator.models.add({ name: 'hf.co/a/b:Q4' });
  rig.simulator.models.add({ name: 'big:cloud' });
  ({ key } = await rig.user('admin'));
  narrow = (await rig.user('narrow')).key;
});
afterAll(() => rig.close());

const messages = [{ role: 'user', content: 'Hello!' }];
const PATHS: [string, object][] = [
  ['/openai/v1/chat/completions', { messages }],
  ['/openai/v1/completions', { prompt: 'Hello!' }],
  ['/openai/v1/embeddings', { input: 'Hello!' }],
  ['/openai/v1/responses', { input: 'Hello!' }],
];

describe('a mapped name', () => {
  test.each(PATHS.flatMap(([path, body]) => [false, true].map((stream) => [path, body, stream] as const)))(
    'is the only one to be seen: %s (%#)',
    async (path, body, stream) => {
      rig.log.length = 0;
      const { status, text, headers } = await send(rig.url, path, {
        key,
        body: { model: 'gpt-4', ...body, stream },
      });
      expect(status).toBe(200);
      expect(rig.simulator.requests.at(-1)?.body).toMatchObject({ model: 'llama2:70b' });
      expect(text).toContain('gpt-4');
      expect(text + JSON.stringify(headers)).not.toContain('llama2');
      await until(() => rig.log.find((line) => line.log === 'api'));
      expect(rig.log.find((line) => line.log === 'usage')).toMatchObject({ model: 'gpt-4' });
      expect(JSON.stringify(rig.log)).not.toContain('llama2');
    },
  );

  test('stays what it was for a stream that is running when the mapping changes', async () => {
    rig.simulator.pace = 20;
    const body = {
      model: 'gpt-3.5-turbo',
      stream: true,
      messages: [{ role: 'user', content: 'Count from 1 to 60' }],
    };
    const known = rig.simulator.requests.length;
    const running = send(rig.url, '/openai/v1/chat/completions', { key, body });
    await until(() => (rig.simulator.requests[known]?.generated ?? 0) > 0);
    const settings = createSettingsAdmin({ store: rig.store, config: rig.gateway.config });
    await settings.change('openai', { model_mappings: { 'gpt-3.5-turbo': 'llama2:70b' } });
    const mappings = async () => {
      const { json } = await send(rig.url, '/');
      return (json as { gateways: { openai: { model_mappings: Record<string, string> } } }).gateways.openai
        .model_mappings;
    };
    const seen = async (model: string) => {
      while ((await mappings())['gpt-3.5-turbo'] !== model)
        await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await seen('llama2:70b');
    expect(rig.simulator.requests[known]?.state).toBe('running');
    rig.simulator.pace = 0;
    const { text } = await running;
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(new Set(text.match(/"model":"[^"]*"/g))).toEqual(new Set(['"model":"gpt-3.5-turbo"']));
    await settings.reset('openai');
    await seen('llama2');
  });
});

describe('a real name', () => {
  test.each([
    'llama2',
    'llama2:latest',
    'LLAMA2',
    'library/llama2',
    'registry.ollama.ai/library/llama2:latest',
    ' llama2 ',
  ])('is allowed and found in any of its forms: %j', async (model) => {
    const reply = await send(rig.url, '/openai/v1/chat/completions', {
      key: narrow,
      body: { model, messages },
    });
    expect(reply).toMatchObject({ status: 200, json: { model } });
  });

  test.each(['llama2:70b', 'gpt-4', 'library/llama2:70b', 'LLAMA2:70B'])(
    'is refused in any of its forms: %j',
    async (model) => {
      const reply = await send(rig.url, '/openai/v1/chat/completions', {
        key: narrow,
        body: { model, messages },
      });
      expect(reply).toMatchObject({
        status: 403,
        json: { error: { param: 'model', code: 'model_not_found' } },
      });
    },
  );
});

describe('lists of models', () => {
  const idsOf = async (user: string) => {
    const { json } = await send(rig.url, '/openai/v1/models', { key: user });
    return (json as { data: { id: string }[] }).data.map(({ id }) => id);
  };

  test('have mappings and models that the caller may use, each once', async () => {
    const all = await idsOf(key);
    expect(all).toEqual(expect.arrayContaining(['gpt-4', 'gpt-3.5-turbo', 'llama2:latest', 'hf.co/a/b:Q4']));
    expect(new Set(all).size).toBe(all.length);
    expect((await idsOf(narrow)).sort()).toEqual(['gpt-3.5-turbo', 'hf.co/a/b:Q4', 'llama2:latest']);
  });

  test.each([
    ['gpt-4', 'gpt-4'],
    ['hf.co%2Fa%2Fb:Q4', 'hf.co/a/b:Q4'],
    ['hf.co/a/b:Q4', 'hf.co/a/b:Q4'],
    ['llama2', 'llama2'],
  ])('have %s as one model', async (path, id) => {
    const { status, json } = await send(rig.url, `/openai/v1/models/${path}`, { key });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      id,
      object: 'model',
      created: expect.any(Number),
      owned_by: expect.any(String),
    });
  });

  test.each(['nope', 'a/b/c/d', '..%2Fx'])('have no %s', async (path) => {
    const { status, json } = await send(rig.url, `/openai/v1/models/${path}`, { key });
    expect(status).toBe(404);
    expect(json).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

test('a name that is longer than any model has is not looked for, nor repeated', async () => {
  rig.simulator.requests.length = 0;
  const model = 'a'.repeat(2_000);
  for (const [path, body] of PATHS) {
    const { status, text } = await send(rig.url, path, { key, body: { model, ...body } });
    expect(status).toBe(404);
    expect(text).not.toContain('aaaa');
  }
  expect((await send(rig.url, `/openai/v1/models/${model}`, { key })).status).toBe(404);
  expect(rig.simulator.requests.filter(({ method }) => method === 'POST')).toEqual([]);
});

describe('a model of the cloud', () => {
  const ENDPOINTS: [string, object][] = [
    ...PATHS,
    ['/ollama/api/chat', { messages }],
    ['/ollama/api/generate', { prompt: 'Hello!' }],
    ['/ollama/api/embed', { input: 'Hello!' }],
    ['/ollama/api/embeddings', { prompt: 'Hello!' }],
    ['/ollama/api/show', {}],
    ['/ollama/v1/chat', { messages }],
    ['/ollama/v1/generate', { prompt: 'Hello!' }],
  ];

  test.each(ENDPOINTS)('is refused at %s unless a role names it, also to admins', async (path, body) => {
    rig.simulator.requests.length = 0;
    for (const model of ['big:cloud', 'big-cloud', 'BIG:CLOUD', 'big:cloud ', 'big:cloud:local']) {
      for (const user of [key, narrow]) {
        const { status } = await send(rig.url, path, { key: user, body: { model, ...body } });
        expect(status, model).toBe(403);
      }
    }
    expect(rig.simulator.requests).toEqual([]);
  });

  test('is not made, copied or pulled by those who do not manage models', async () => {
    rig.simulator.requests.length = 0;
    for (const [path, body] of [
      ['create', { model: 'mine', from: 'big:cloud' }],
      ['copy', { source: 'big:cloud', destination: 'mine' }],
      ['pull', { model: 'big:cloud' }],
    ] as const) {
      const reply = await send(rig.url, `/ollama/api/${path}`, { key: narrow, body });
      expect(reply).toMatchObject({ status: 403, json: { error: expect.any(String) } });
    }
    expect(rig.simulator.requests).toEqual([]);
  });
});

test('of two names in one request the one that was checked is the one that is asked for', async () => {
  const body = { model: 'llama2', name: 'llama2:70b' };
  expect((await send(rig.url, '/ollama/api/show', { key: narrow, body })).status).toBe(200);
  expect(rig.simulator.requests.at(-1)?.body).toEqual({ model: 'llama2' });
  const other = { name: 'llama2:70b' };
  expect((await send(rig.url, '/ollama/api/show', { key: narrow, body: other })).status).toBe(403);
  const chat = { ...body, messages, stream: false };
  expect((await send(rig.url, '/ollama/api/chat', { key: narrow, body: chat })).status).toBe(200);
  expect(rig.simulator.requests.at(-1)?.body).not.toHaveProperty('name');
});
