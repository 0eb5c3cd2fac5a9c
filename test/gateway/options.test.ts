/** What a request, a role and the configuration say about how a model is run. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
let basic: string;
let admin: string;
beforeAll(async () => {
  rig = await startRig({
    config: {
      api_gateways: {
        ollama: { max_num_ctx: 8_192, model_options: { llama2: { options: { num_ctx: 1_024 } } } },
        openai: {
          model_options: {
            cutting: { truncate: true },
            'gpt-4': { options: { num_ctx: 16_384, temperature: 0 }, think: false, keep_alive: '2h' },
          },
        },
      },
    },
  });
  basic = (await rig.user('premium')).key;
  admin = (await rig.user('admin')).key;
});
afterAll(() => rig.close());

const messages = [{ role: 'user', content: 'Hello!' }];

/** What Ollama was asked, without what the limits have put into it. */
async function asked(key: string, path: string, body: object): Promise<Record<string, unknown>> {
  rig.simulator.requests.length = 0;
  const reply = await send(rig.url, path, { key, body });
  expect(reply.status, reply.text).toBe(200);
  const { options = {}, ...rest } = rig.simulator.requests.at(-1)!.body as Record<string, object>;
  const { num_predict: _bound, ...own } = options as Record<string, unknown>;
  return { ...rest, options: own };
}
const chat = (key: string, body: object) =>
  asked(key, '/openai/v1/chat/completions', { model: 'gpt-3.5-turbo', messages, ...body });
const native = (key: string, body: object) =>
  asked(key, '/ollama/api/chat', { model: 'llama2:70b', messages, ...body });

describe('a request on the OpenAI side', () => {
  test.each([
    ['/openai/v1/chat/completions', { messages }],
    ['/openai/v1/completions', { prompt: 'Hello!' }],
    ['/openai/v1/responses', { input: 'Hello!' }],
  ])('%s takes options and keep_alive by their native names', async (path, body) => {
    const own = { options: { num_ctx: 4_096, top_k: 7 }, keep_alive: '5m' };
    expect(
      await asked(basic, path, { model: 'gpt-3.5-turbo', ...body, ...own, truncate: true }),
    ).toMatchObject({
      ...own,
      truncate: true,
    });
  });

  test('a wrong one is 400 and named', async () => {
    const body = { model: 'gpt-4', messages, options: { num_ctx: '8k' } };
    const reply = await send(rig.url, '/openai/v1/chat/completions', { key: basic, body });
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({ error: { param: 'options.num_ctx' } });
  });
});

describe('a role that does not manage models', () => {
  test.each([chat, native])('has num_ctx cut to what is configured', async (ask) => {
    expect((await ask(basic, { options: { num_ctx: 100_000 } })).options).toEqual({ num_ctx: 8_192 });
    expect((await ask(admin, { options: { num_ctx: 100_000 } })).options).toEqual({ num_ctx: 100_000 });
  });

  test.each([chat, native])('does not decide how a model lies in memory', async (ask) => {
    const machine = { num_gpu: 0, main_gpu: 1, num_thread: 1, num_batch: 8, use_mmap: false };
    expect((await ask(basic, { options: { ...machine, seed: 1 } })).options).toEqual({ seed: 1 });
    expect((await ask(admin, { options: { ...machine, seed: 1 } })).options).toEqual({ ...machine, seed: 1 });
  });

  test.each([0, '0', '0s', '0h0m', '1ns', '0.5s'])(
    'does not unload a model: keep_alive %j',
    async (keep_alive) => {
      for (const ask of [chat, native]) {
        expect(await ask(basic, { keep_alive })).not.toHaveProperty('keep_alive');
        expect(await ask(admin, { keep_alive })).toMatchObject({ keep_alive });
      }
    },
  );

  test.each([-1, '-1s', 1e9, '9000h', '24h', 3_601])(
    'does not pin a model: keep_alive %j',
    async (keep_alive) => {
      for (const ask of [chat, native]) {
        expect(await ask(basic, { keep_alive })).toMatchObject({ keep_alive: 3_600 });
        expect(await ask(admin, { keep_alive })).toMatchObject({ keep_alive });
      }
    },
  );

  test('does not reload a model by shift', async () => {
    expect(await native(basic, { shift: false })).not.toHaveProperty('shift');
    expect(await native(admin, { shift: false })).toMatchObject({ shift: false });
  });

  test('does not bring its own template', async () => {
    rig.simulator.requests.length = 0;
    const body = { model: 'llama2', prompt: 'hi', template: '{{ printf "%80000s" .Prompt }}' };
    const refused = await send(rig.url, '/ollama/api/generate', { key: basic, body });
    expect(refused).toMatchObject({ status: 403, json: { error: expect.stringContaining("'template'") } });
    expect(rig.simulator.requests).toEqual([]);
    expect((await send(rig.url, '/ollama/api/generate', { key: admin, body })).status).toBe(200);
  });

  test.each([300, '5m', '30m', '1h'])('may keep it for a while: %j', async (keep_alive) => {
    for (const ask of [chat, native]) expect(await ask(basic, { keep_alive })).toMatchObject({ keep_alive });
  });

  test.each([0, '0s', '0h0m', '1ns'])('may not unload it: %j', async (keep_alive) => {
    rig.simulator.requests.length = 0;
    for (const path of ['/ollama/api/chat', '/ollama/api/generate']) {
      const reply = await send(rig.url, path, { key: basic, body: { model: 'llama2', keep_alive } });
      expect(reply.status).toBe(403);
      expect(reply.json).toEqual({ error: expect.stringContaining('unloading') });
    }
    expect(rig.simulator.requests).toEqual([]);
  });

  test('who manages models may', async () => {
    const body = { model: 'llama2', keep_alive: 0 };
    expect((await send(rig.url, '/ollama/api/generate', { key: admin, body })).json).toMatchObject({
      done_reason: 'unload',
    });
  });

  test('does not get at the rendered prompt', async () => {
    expect(await native(admin, { _debug_render_only: true })).not.toHaveProperty('_debug_render_only');
  });
});

describe('the configuration', () => {
  test('says what a request does not, and is not bound by roles', async () => {
    expect(await chat(basic, { model: 'gpt-4' })).toMatchObject({
      model: 'llama2:70b',
      options: { num_ctx: 16_384, temperature: 0 },
      think: false,
      keep_alive: '2h',
    });
  });

  test('gives way to the request', async () => {
    const body = { model: 'gpt-4', temperature: 1, options: { num_ctx: 2_048 }, keep_alive: '1m' };
    expect(await chat(basic, body)).toMatchObject({
      options: { num_ctx: 2_048, temperature: 1 },
      keep_alive: '1m',
    });
  });

  test('holds for the gateway and the name it was written for, in any spelling', async () => {
    expect((await chat(basic, {})).options).toEqual({});
    for (const model of ['llama2', 'LLAMA2:latest', 'library/llama2']) {
      expect((await native(basic, { model })).options).toEqual({ num_ctx: 1_024 });
    }
    expect((await native(basic, { model: 'llama2:70b' })).options).toEqual({});
  });

  test('can have long prompts cut, which are refused on the OpenAI side otherwise', async () => {
    rig.simulator.models.add({ name: 'llama2', contextLength: 64 });
    rig.simulator.models.add({ name: 'cutting', contextLength: 64 });
    const long = [{ role: 'user', content: 'word '.repeat(500) }];
    const ask = (body: object) =>
      send(rig.url, '/openai/v1/chat/completions', {
        key: basic,
        body: { model: 'gpt-3.5-turbo', messages: long, ...body },
      });
    expect(await ask({})).toMatchObject({
      status: 400,
      json: { error: { code: 'context_length_exceeded', param: 'messages' } },
    });
    expect((await ask({ truncate: true })).status).toBe(200);
    expect((await ask({ model: 'cutting' })).status).toBe(200);
    const body = { model: 'llama2', messages: long, stream: false };
    expect((await send(rig.url, '/ollama/api/chat', { key: basic, body })).status).toBe(200);
    rig.simulator.models.add({ name: 'llama2' });
  });

  test('does not put `think` where there is nothing to think', async () => {
    const embedded = await asked(basic, '/openai/v1/embeddings', { model: 'gpt-4', input: 'Hello!' });
    expect(embedded).toMatchObject({ options: { num_ctx: 16_384 }, keep_alive: '2h' });
    expect(embedded).not.toHaveProperty('think');
  });
});

describe('an input that is too long to embed', () => {
  const input = 'word '.repeat(3_000);
  const long = (path: string, body: object = {}) =>
    send(rig.url, path, { key: basic, body: { model: 'tiny-embed', input, ...body } });

  test.each(['/openai/v1/embeddings', '/ollama/api/embed'])(
    'is cut where Ollama cuts it: %s',
    async (path) => {
      for (const cut of [{}, { truncate: true }]) {
        const reply = await long(path, cut);
        expect(reply.status, reply.text).toBe(200);
        const {
          model: _model,
          input: _input,
          ...sent
        } = rig.simulator.requests.at(-1)!.body as object & {
          model: string;
          input: string;
        };
        expect(sent).toEqual(cut);
      }
    },
  );

  test('is refused where the client asks for that', async () => {
    const openai = await long('/openai/v1/embeddings', { truncate: false });
    expect(openai).toMatchObject({
      status: 400,
      json: { error: { code: 'context_length_exceeded', param: 'input' } },
    });
    expect(await long('/ollama/api/embed', { truncate: false })).toMatchObject({ status: 400 });
  });
});

test.each(['control', 'developer'])('the role `%s` is for Ollama to know', async (role) => {
  const own = [{ role, content: 'Be short.' }, ...messages];
  for (const path of ['/ollama/api/chat', '/ollama/v1/chat'])
    expect(await asked(basic, path, { model: 'tiny', messages: own })).toMatchObject({ messages: own });
});

test.each([
  ['/openai/v1/chat/completions', { messages, max_tokens: -1 }],
  ['/openai/v1/chat/completions', { messages, max_completion_tokens: -1 }],
  ['/openai/v1/completions', { prompt: 'Hello!', max_tokens: -1 }],
  ['/openai/v1/responses', { input: 'Hello!', max_output_tokens: -1 }],
  ['/ollama/v1/chat', { messages, parameters: { max_tokens: -1 } }],
  ['/ollama/api/chat', { messages, options: { num_predict: -1 } }],
])('a limit of -1 is none: %s %j', async (path, body) => {
  expect(await asked(admin, path, { model: 'tiny', ...body })).toMatchObject({ options: {} });
  expect(rig.simulator.requests.at(-1)?.body).not.toHaveProperty('options.num_predict');
});
