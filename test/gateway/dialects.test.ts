/** The guide's own endpoints with its exact shapes, Ollama's own bytes, and what a configuration changes of both. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Reply, type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
let key: string;
beforeAll(async () => {
  rig = await startRig({
    config: {
      roles: {
        small: { models: ['tiny', 'gpt-4'], gateways: ['ollama', 'openai'] },
        native: { gateways: ['ollama'] },
      },
    },
  });
  ({ key } = await rig.user('admin'));
});
afterAll(() => rig.close());

const MESSAGES = [{ role: 'user', content: 'Hello!' }];
const GREETING = 'Hi! How can I help you today?';
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const USAGE = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };
const ask = (path: string, body?: unknown, by = key) => send(rig.url, path, { key: by, body });
const asked = () => rig.simulator.requests.at(-1)?.body as Record<string, unknown>;

describe('the guide', () => {
  test('GET /ollama/v1/models', async () => {
    const { json, headers } = await ask('/ollama/v1/models');
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    const { models } = json as { models: Record<string, unknown>[] };
    expect(models.find(({ name }) => name === 'llama2')).toEqual({
      name: 'llama2',
      size: '7B',
      modified: expect.stringMatching(UTC),
      details: { format: 'gguf', family: 'llama' },
    });
  });

  test('POST /ollama/v1/generate', async () => {
    const parameters = { temperature: 0.7, max_tokens: 500 };
    const reply = await ask('/ollama/v1/generate', { model: 'llama2', prompt: 'Hello!', parameters });
    expect(reply.json).toEqual({ text: GREETING, usage: USAGE });
    expect(asked().options).toEqual({ temperature: 0.7, num_predict: 500 });
  });

  test('POST /ollama/v1/chat', async () => {
    const reply = await ask('/ollama/v1/chat', { model: 'llama2', messages: MESSAGES });
    expect(reply.json).toEqual({ messages: [{ role: 'assistant', content: GREETING }], usage: USAGE });
    expect(Object.keys(asked()).sort()).toEqual(['messages', 'model', 'stream']);
  });

  test.each([
    ['/ollama/v1/generate', { prompt: 'Hello!' }],
    ['/ollama/v1/chat', { messages: MESSAGES }],
  ])('%s without a model takes the default one', async (path, body) => {
    expect((await ask(path, body)).status).toBe(200);
    expect(asked().model).toBe('llama2');
  });

  test('GET /openai/v1/models', async () => {
    const { json } = await ask('/openai/v1/models');
    const { object, data } = json as { object: string; data: Record<string, unknown>[] };
    expect(object).toBe('list');
    expect(data[0]).toEqual({
      id: 'gpt-3.5-turbo',
      object: 'model',
      created: expect.any(Number),
      owned_by: 'parallama',
    });
  });

  test('POST /openai/v1/completions', async () => {
    const body = { model: 'gpt-3.5-turbo', prompt: 'Hello!', max_tokens: 500, temperature: 0.7 };
    expect((await ask('/openai/v1/completions', body)).json).toEqual({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      created: expect.any(Number),
      model: 'gpt-3.5-turbo',
      system_fingerprint: expect.any(String),
      choices: [{ text: GREETING, index: 0, logprobs: null, finish_reason: 'stop' }],
      usage: USAGE,
    });
  });

  test('POST /openai/v1/chat/completions', async () => {
    const body = { model: 'gpt-3.5-turbo', messages: MESSAGES, temperature: 0.7, max_tokens: 500 };
    expect((await ask('/openai/v1/chat/completions', body)).json).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'gpt-3.5-turbo',
      system_fingerprint: expect.any(String),
      choices: [
        {
          message: { role: 'assistant', content: GREETING, refusal: null },
          finish_reason: 'stop',
          index: 0,
          logprobs: null,
        },
      ],
      usage: USAGE,
    });
  });

  test('GET /admin/v1/usage', async () => {
    const user = await rig.user('basic');
    await ask('/openai/v1/chat/completions', { model: 'gpt-4', messages: MESSAGES }, user.key);
    const window = (tokens: number, requests: number, left: [number, number]) => ({
      total_tokens: tokens,
      total_requests: requests,
      remaining_tokens: left[0] - tokens,
      remaining_requests: left[1] - requests,
    });
    expect((await ask('/admin/v1/usage', undefined, user.key)).json).toEqual({
      gateways: {
        ollama: { today: window(0, 0, [500_000, 5_000]), current_hour: window(0, 0, [50_000, 500]) },
        openai: { today: window(20, 1, [500_000, 5_000]), current_hour: window(20, 1, [50_000, 500]) },
      },
    });
    const free = (await ask('/admin/v1/usage')).json;
    expect(free).toMatchObject({
      gateways: { ollama: { today: { remaining_tokens: null, remaining_requests: null } } },
    });
  });

  test('GET /', async () => {
    const { json } = await send(rig.url, '/');
    expect(json).toEqual({
      name: 'Parallama API Gateway',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      gateways: {
        ollama: {
          base_path: '/ollama/v1',
          status: 'active',
          features: expect.arrayContaining(['text generation', 'chat completion', 'model management']),
          endpoints: expect.arrayContaining(['POST /ollama/v1/chat', 'POST /ollama/api/chat']),
        },
        openai: {
          base_path: '/openai/v1',
          status: 'active',
          features: expect.arrayContaining(['text completion', 'chat completion']),
          endpoints: expect.arrayContaining(['POST /openai/v1/chat/completions']),
          model_mappings: { 'gpt-3.5-turbo': 'llama2', 'gpt-4': 'llama2:70b' },
        },
      },
    });
  });

  test('every endpoint that is listed is there', async () => {
    const { gateways } = (await send(rig.url, '/')).json as {
      gateways: Record<string, { endpoints: string[] }>;
    };
    for (const endpoint of Object.values(gateways).flatMap(({ endpoints }) => endpoints)) {
      const [method, path = ''] = endpoint.split(' ');
      const { status } = await send(rig.url, path.replace('{id}', 'x'), { method });
      expect([endpoint, status]).toEqual([endpoint, 401]);
    }
  });

  test('GET /status', async () => {
    const gateway = {
      status: 'operational',
      latency_ms: expect.any(Number),
      requests_per_second: expect.any(Number),
    };
    expect((await send(rig.url, '/status')).json).toEqual({
      timestamp: expect.stringMatching(UTC),
      gateways: { ollama: gateway, openai: gateway },
    });
  });
});

describe("Ollama's own API", () => {
  /** What differs from one call to the next: dates, durations, call ids and how long a model stays. */
  const VARIES =
    /"(created_at|modified_at|expires_at|id)":"[^"]*"|"(total|load|eval|prompt_eval)_duration":\d+/g;
  const masked = ({ status, headers, text }: Reply) => ({
    status,
    type: headers['content-type'],
    // Raw in a line, it breaks ollama's client for Python: written anew it is escaped, which is the same JSON.
    text: text.replace(VARIES, '"$1$2":0').replaceAll('\u0085', '\\u0085'),
  });
  const chat = { model: 'llama2', messages: MESSAGES };
  const tool = {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  };
  const think = [{ role: 'user', content: 'What is 6 times 7? Think first' }];

  test.each<[path: string, body?: object]>([
    ['/api/version'],
    ['/api/tags'],
    ['/api/ps'],
    ['/api/show', { model: 'llama2' }],
    ['/api/chat', chat],
    ['/api/chat', { ...chat, stream: false }],
    ['/api/chat', { ...chat, options: { num_predict: 3 } }],
    ['/api/chat', { ...chat, options: { num_predict: 3 }, stream: false }],
    ['/api/chat', { ...chat, messages: [{ role: 'user', content: 'Say something in many scripts' }] }],
    ['/api/chat', { ...chat, messages: [{ role: 'user', content: 'Show me special characters' }] }],
    [
      '/api/chat',
      { ...chat, messages: [{ role: 'user', content: 'Show me special characters' }], stream: false },
    ],
    ['/api/chat', { ...chat, logprobs: true, top_logprobs: 2 }],
    ['/api/chat', { ...chat, logprobs: true, top_logprobs: 2, stream: false }],
    ['/api/chat', { model: 'llama2', messages: [{ role: 'user', content: 'Paris weather' }], tools: [tool] }],
    [
      '/api/chat',
      {
        model: 'llama2',
        messages: [{ role: 'user', content: 'Paris weather' }],
        tools: [tool],
        stream: false,
      },
    ],
    ['/api/chat', { model: 'tiny-think', messages: think }],
    ['/api/chat', { model: 'tiny-think', messages: think, stream: false }],
    ['/api/chat', { model: 'llama2' }],
    ['/api/chat', { model: 'llama2', stream: false, keep_alive: 0 }],
    ['/api/generate', { model: 'llama2', prompt: 'Hello!' }],
    ['/api/generate', { model: 'llama2', prompt: 'Hello!', stream: false }],
    ['/api/generate', { model: 'llama2', prompt: 'Hello!', raw: true, stream: false }],
    ['/api/generate', { model: 'tiny-think', prompt: 'What is 6 times 7? Think first', stream: false }],
    ['/api/generate', { model: 'llama2' }],
    ['/api/embed', { model: 'nomic-embed-text', input: ['one', 'two'] }],
    ['/api/embed', { model: 'nomic-embed-text', input: [] }],
    ['/api/embeddings', { model: 'nomic-embed-text', prompt: 'one' }],
    ['/api/chat', { ...chat, model: 'nope' }],
    ['/api/generate', { model: 'nope', prompt: 'Hello!' }],
    ['/api/embed', { model: 'nope', input: 'one' }],
    ['/api/show', { model: 'nope' }],
    ['/api/chat', { ...chat, model: 'nomic-embed-text' }],
    ['/api/chat', { ...chat, think: true }],
  ])('%s %j answers with the same bytes', async (path, body) => {
    const direct = await send(rig.simulator.url, path, { body });
    const through = await ask(`/ollama${path}`, body);
    const [expected, got] = [masked(direct), masked(through)];
    expect({ ...got, type: got.type?.split(';')[0] }).toEqual({
      ...expected,
      type: expected.type?.split(';')[0],
    });
  });

  test('liveness as a client looks for it', async () => {
    for (const path of ['/ollama', '/ollama/']) {
      expect(await ask(path)).toMatchObject({ status: 200, text: 'Ollama is running' });
      expect((await send(rig.url, path, { key, method: 'HEAD' })).status).toBe(200);
    }
  });
});

describe('a role', () => {
  let small: string;
  beforeAll(async () => {
    small = (await rig.user('small')).key;
  });

  test('sees the models that it may use, in every list', async () => {
    await ask('/ollama/api/generate', { model: 'llama2', prompt: '' });
    await ask('/ollama/api/generate', { model: 'tiny', prompt: '' });
    const names = async (path: string) =>
      ((await ask(path, undefined, small)).json as { models: { name: string }[] }).models.map(
        ({ name }) => name,
      );
    expect(await names('/ollama/api/tags')).toEqual(['tiny:latest']);
    expect(await names('/ollama/api/ps')).toEqual(['tiny:latest']);
    expect(await names('/ollama/v1/models')).toEqual(['tiny']);
    const { data } = (await ask('/openai/v1/models', undefined, small)).json as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(['gpt-4', 'tiny:latest']);
  });

  test.each<[path: string, body: object]>([
    ['/ollama/api/chat', { messages: MESSAGES }],
    ['/ollama/api/generate', { prompt: 'Hello!' }],
    ['/ollama/api/embed', { input: 'one' }],
    ['/ollama/api/embeddings', { prompt: 'one' }],
    ['/ollama/api/show', {}],
    ['/ollama/v1/chat', { messages: MESSAGES }],
    ['/ollama/v1/generate', { prompt: 'Hello!' }],
    ['/openai/v1/chat/completions', { messages: MESSAGES }],
    ['/openai/v1/completions', { prompt: 'Hello!' }],
    ['/openai/v1/embeddings', { input: 'one' }],
  ])('is refused other models at %s, whatever they are called', async (path, body) => {
    const before = rig.simulator.requests.length;
    for (const model of [
      'llama2',
      'LLAMA2:latest',
      'library/llama2',
      ' llama2 ',
      'gpt-3.5-turbo',
      'llama2:local',
    ]) {
      const reply = await ask(path, { ...body, model }, small);
      expect([model, reply.status]).toEqual([model, 403]);
      expect(reply.text).toContain('small');
    }
    for (const cloud of ['tiny:cloud', 'gpt-oss:120b-cloud', 'tiny:CLOUD']) {
      for (const by of [small, key])
        expect((await ask(path, { ...body, model: cloud }, by)).status).toBe(403);
    }
    expect(rig.simulator.requests.length).toBe(before);
  });

  test('may be given one gateway only', async () => {
    const native = (await rig.user('native')).key;
    expect((await ask('/ollama/api/tags', undefined, native)).status).toBe(200);
    expect(await ask('/openai/v1/models', undefined, native)).toMatchObject({
      status: 403,
      json: { error: { code: 'forbidden', message: "The role 'native' does not allow the openai gateway." } },
    });
  });
});

describe('a configuration', () => {
  let own: Rig | undefined;
  afterEach(() => own?.close());

  test('moves the paths', async () => {
    own = await startRig({
      config: { api_gateways: { ollama: { base_path: '/llm/local/v2' }, openai: { base_path: '/v1' } } },
    });
    const user = await own.user('admin');
    const at = async (path: string, body?: unknown) =>
      (await send(own!.url, path, { key: user.key, body })).status;
    expect(await at('/llm/local/v2/models')).toBe(200);
    for (const path of ['/ollama/v1/models', '/ollama/api/tags', '/openai/v1/models', '/llm/local/api']) {
      expect([path, await at(path)]).toEqual([path, 404]);
    }
    expect(await at('/v1/models')).toBe(200);
    expect(await at('/llm/local/api/tags')).toBe(200);
    expect(await at('/llm/local')).toBe(200);
    expect(await at('/llm/local/v2/chat', { model: 'llama2', messages: MESSAGES })).toBe(200);
    expect(await at('/llm/local/api/pull', { model: 'mistral', stream: false })).toBe(200);
    expect((await send(own.url, '/')).json).toMatchObject({
      gateways: { ollama: { base_path: '/llm/local/v2' }, openai: { base_path: '/v1' } },
    });
  });

  test.each([
    ['openai', '/ollama/api/tags', '/openai/v1/models'],
    ['ollama', '/openai/v1/models', '/ollama/api/tags'],
  ] as const)('with %s alone has no other gateway', async (name, missing, there) => {
    own = await startRig({ config: { api_gateways: { enabled: [name] } } });
    const user = await own.user();
    expect((await send(own.url, missing, { key: user.key })).status).toBe(404);
    expect((await send(own.url, there, { key: user.key })).status).toBe(200);
    for (const path of ['/', '/status']) {
      const { gateways } = (await send(own.url, path)).json as { gateways: object };
      expect(Object.keys(gateways)).toEqual([name]);
    }
    const { gateways } = (await send(own.url, '/admin/v1/usage', { key: user.key })).json as {
      gateways: object;
    };
    expect(Object.keys(gateways)).toEqual([name]);
  });

  test('closes discovery, metrics, or asks for a token', async () => {
    own = await startRig({
      config: { api_gateways: { discovery: { enabled: false } }, metrics: { token: 'only-mine' } },
    });
    expect((await send(own.url, '/')).status).toBe(404);
    expect((await send(own.url, '/metrics')).status).toBe(401);
    expect((await send(own.url, '/metrics', { key: 'only-mine' })).status).toBe(200);
  });

  test('maps names on the native side too, and answers in them', async () => {
    own = await startRig({
      config: { api_gateways: { ollama: { model_mappings: { house: 'llama2:70b' } } } },
    });
    const user = await own.user();
    const body = { model: 'house', messages: MESSAGES };
    const { text, status } = await send(own.url, '/ollama/api/chat', { key: user.key, body });
    expect(status).toBe(200);
    const models = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { model: string }).model);
    expect(new Set(models)).toEqual(new Set(['house']));
    expect(own.simulator.requests.at(-1)?.body).toMatchObject({ model: 'llama2:70b' });
    expect(await own.history(user.id)).toMatchObject([{ model: 'house' }]);
  });
});
