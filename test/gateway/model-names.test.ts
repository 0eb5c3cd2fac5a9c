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
      roles: {
        narrow: { models: ['llama2', 'hf.co/a/b:Q4'] },
        keeper: { models: ['llama2', 'mine-*'], manage_models: true },
      },
      limits: { roles: { narrow: {}, keeper: {} } },
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

function manage(user: string, path: string, value: object, method = 'POST') {
  const body = JSON.stringify(value);
  // Node says nothing of the body of a DELETE by itself.
  const headers = { 'content-length': String(Buffer.byteLength(body)) };
  return send(rig.url, `/ollama/api/${path}`, { key: user, method, headers, body });
}

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

describe('a name that no model can have', () => {
  const NAMES = [
    'gpt-oss: cloud',
    'gpt-oss:\u2003cloud',
    'gpt-oss:\u0085cloud',
    'gpt-oss :cloud',
    'llama2: latest',
    'big:cloud:local',
    'aaa://llama2',
    'https://llama2',
    'llama2:',
  ];

  test.each(ENDPOINTS)('is refused at %s, and Ollama never hears of it', async (path, body) => {
    rig.simulator.requests.length = 0;
    for (const model of NAMES) {
      for (const user of [key, narrow]) {
        const reply = await send(rig.url, path, { key: user, body: { model, ...body } });
        expect([reply.status, reply.text], model).toEqual([
          400,
          expect.stringContaining('invalid model name'),
        ]);
      }
    }
    expect(rig.simulator.requests).toEqual([]);
  });

  test('is told with what is wrong, in the dialect of the caller', async () => {
    const model = 'gpt-oss: cloud';
    const message = 'invalid model name: it has white space in it';
    const openai = await send(rig.url, '/openai/v1/chat/completions', { key, body: { model, messages } });
    expect(openai.json).toMatchObject({ error: { message, param: 'model', code: 'invalid_value' } });
    const native = await send(rig.url, '/ollama/api/chat', { key, body: { model, messages } });
    expect(native.json).toEqual({ error: message });
  });

  test('is not managed either, nor is a model that the role has not got', async () => {
    const { key: keeper } = await rig.user('keeper');
    rig.simulator.requests.length = 0;
    const refused = async (path: string, body: object, status: number, method?: string) => {
      const reply = await manage(keeper, path, body, method);
      expect([path, body, reply.status, reply.json]).toEqual([
        path,
        body,
        status,
        { error: expect.any(String) },
      ]);
    };
    await refused('pull', { model: 'gpt-oss: cloud' }, 400);
    await refused('pull', { name: 'mistral' }, 403);
    await refused('push', { model: 'mistral' }, 403);
    await refused('delete', { model: 'llama2:\u2003latest' }, 400, 'DELETE');
    await refused('delete', { name: 'llama2:70b' }, 403, 'DELETE');
    await refused('copy', { source: 'llama2:70b', destination: 'mine-1' }, 403);
    await refused('copy', { source: 'llama2', destination: 'theirs' }, 403);
    await refused('copy', { source: 7, destination: 'mine-1' }, 400);
    await refused('create', { model: 'mine-1', from: 'gpt-oss:\u3000cloud' }, 400);
    await refused('create', { model: 'mine-1', from: 'mistral' }, 403);
    expect(rig.simulator.requests).toEqual([]);
    const copied = {
      source: 'llama2',
      destination: 'mine-1',
      SOURCE: 'llama2:70b',
      '\u017fource': 'llama2:70b',
    };
    expect((await manage(keeper, 'copy', copied)).status).toBe(200);
    expect(rig.simulator.requests.at(-1)?.body).toEqual({ source: 'llama2', destination: 'mine-1' });
    expect((await manage(keeper, 'delete', { model: 'mine-1' }, 'DELETE')).status).toBe(200);
  });

  test('a model of the cloud gets no other name, unless the role names it', async () => {
    rig.simulator.requests.length = 0;
    for (const [path, body] of [
      ['copy', { source: 'big:cloud', destination: 'big' }],
      ['create', { model: 'big', from: 'big:cloud' }],
    ] as const) {
      expect((await send(rig.url, `/ollama/api/${path}`, { key, body })).status).toBe(403);
    }
    expect(rig.simulator.requests).toEqual([]);
  });
});

describe('a model is counted under one name', () => {
  const SPELLINGS = ['llama2', 'LLAMA2', 'llama2:latest', 'library/Llama2', 'llama2:local'];
  const FULL = ['registry.ollama.ai/library/llama2', 'https://registry.ollama.ai/library/llama2:latest'];

  test('in the history, the metrics and the log, however it is spelled', async () => {
    const { id, key: own } = await rig.user('admin');
    rig.log.length = 0;
    for (const model of [...SPELLINGS, ...FULL]) {
      const reply = await send(rig.url, '/ollama/api/chat', {
        key: own,
        body: { model, messages, stream: false },
      });
      expect(reply).toMatchObject({ status: 200, json: { model } });
    }
    const mapped = await send(rig.url, '/openai/v1/chat/completions', {
      key: own,
      body: { model: 'GPT-4:latest', messages },
    });
    expect(mapped).toMatchObject({ status: 200, json: { model: 'GPT-4:latest' } });
    expect((await rig.history(id)).map(({ model }) => model)).toEqual(['llama2', 'gpt-4']);
    const logged = rig.log.filter((line) => line.log === 'usage').map(({ model }) => model);
    expect(new Set(logged)).toEqual(new Set(['llama2', 'gpt-4']));
    const { text } = await send(rig.url, '/metrics');
    const labels = [...text.matchAll(/^parallama_tokens_total\{.*model="([^"]*)"/gm)].map(
      ([, label]) => label,
    );
    expect(new Set(labels.filter((label) => /llama2|gpt-4/i.test(label!)))).toEqual(
      new Set(['llama2', 'llama2:70b']),
    );
  });

  test('and no row, label or line is made from a name that no host has', async () => {
    const { id, key: own } = await rig.user('admin');
    rig.log.length = 0;
    for (let i = 0; i < 5; i += 1) {
      const body = { model: `made-up-${i}`, messages, stream: false };
      expect((await send(rig.url, '/ollama/api/chat', { key: own, body })).status).toBe(404);
    }
    const takeBack = rig.simulator.fail({ kind: 'status', status: 500, error: 'broken' });
    for (let i = 0; i < 5; i += 1) {
      const body = { model: `made-up-${i}`, messages, stream: false };
      expect((await send(rig.url, '/ollama/api/chat', { key: own, body })).status).toBe(502);
    }
    takeBack();
    const rows = (await rig.history(id)).map(({ model }) => model);
    expect(rows.filter((model) => model !== '(unknown)')).toEqual([]);
    const logged = rig.log.filter((line) => line.log === 'usage').map(({ model }) => model);
    expect(new Set(logged)).toEqual(new Set(['(unknown)']));
    expect((await send(rig.url, '/metrics')).text).not.toContain('made-up');
  });

  test('one that was fetched past the gateway is counted by name from its first answer on', async () => {
    const { id, key: own } = await rig.user('admin');
    rig.simulator.models.add({ name: 'Newcomer' });
    const body = { model: 'newcomer', messages, stream: false };
    expect((await send(rig.url, '/ollama/api/chat', { key: own, body })).status).toBe(200);
    expect((await rig.history(id)).map(({ model, requests }) => [model, requests])).toEqual([
      ['newcomer', 1],
    ]);
  });
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
    expect(status).toBe(400);
    expect(text).not.toContain('aaaa');
  }
  expect((await send(rig.url, `/openai/v1/models/${model}`, { key })).status).toBe(404);
  expect(rig.simulator.requests.filter(({ method }) => method === 'POST')).toEqual([]);
});

describe('a model of the cloud', () => {
  test.each(ENDPOINTS)('is refused at %s unless a role names it, also to admins', async (path, body) => {
    rig.simulator.requests.length = 0;
    for (const model of ['big:cloud', 'big-cloud', 'BIG:CLOUD', 'big:cloud ']) {
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
