import { expect, test } from 'vitest';
import { ParallamaClient } from '../../src/client/index.js';
import { reply, testServer } from './server.js';

const usage = { prompt_tokens: 5, completion_tokens: 8, total_tokens: 13 };
const messages = [{ role: 'user', content: 'Hello!' }];

test("ollama: generate sends the guide's request and gives its reply", async () => {
  const { url, seen } = await testServer((_, response) => reply(response, 200, { text: 'A poem', usage }));
  const client = new ParallamaClient({ baseUrl: `${url}/`, apiKey: 'pk_live_1', gateway: 'ollama' });
  const answer = await client.generate({
    model: 'llama2',
    prompt: 'Write',
    temperature: 0.7,
    max_tokens: 500,
  });
  expect(answer).toEqual({ text: 'A poem', usage });
  expect(seen[0]).toMatchObject({
    method: 'POST',
    path: '/ollama/v1/generate',
    authorization: 'Bearer pk_live_1',
    body: { model: 'llama2', prompt: 'Write', parameters: { temperature: 0.7, max_tokens: 500 } },
  });
});

test('ollama: options in camelCase and in parameters, fields beside parameters', async () => {
  const { url, seen } = await testServer((_, response) => reply(response, 200, { text: '', usage }));
  const client = new ParallamaClient({ baseUrl: url });
  await client.generate({
    prompt: 'x',
    maxTokens: 9,
    topK: 3,
    system: 's',
    keepAlive: 5,
    parameters: { seed: 1 },
  });
  expect(seen[0]?.body).toEqual({
    prompt: 'x',
    system: 's',
    keep_alive: 5,
    parameters: { max_tokens: 9, top_k: 3, seed: 1 },
  });
  expect(seen[0]?.authorization).toBeUndefined();
});

test('ollama: chat', async () => {
  const answer = { messages: [{ role: 'assistant', content: 'Hi!' }], usage };
  const { url, seen } = await testServer((_, response) => reply(response, 200, answer));
  const client = new ParallamaClient({ baseUrl: url, apiKey: 'k' });
  expect((await client.chat({ model: 'llama2', messages })).messages[0]?.content).toBe('Hi!');
  expect(seen[0]).toMatchObject({
    path: '/ollama/v1/chat',
    body: { model: 'llama2', messages, parameters: {} },
  });
});

test('openai: generate and chat speak OpenAI', async () => {
  const { url, seen } = await testServer((_, response) => reply(response, 200, { id: 'x', choices: [] }));
  const client = new ParallamaClient({ baseUrl: url, apiKey: 'k', gateway: 'openai' });
  expect((await client.generate({ model: 'gpt-4', prompt: 'Write', maxTokens: 500 })).id).toBe('x');
  expect((await client.chat({ model: 'gpt-4', messages, temperature: 0 })).choices).toEqual([]);
  expect(seen).toMatchObject([
    { path: '/openai/v1/completions', body: { model: 'gpt-4', prompt: 'Write', max_tokens: 500 } },
    { path: '/openai/v1/chat/completions', body: { model: 'gpt-4', messages, temperature: 0 } },
  ]);
  expect(seen[0]?.body).not.toHaveProperty('parameters');
});

test("completions.create and chat.completions.create go to OpenAI's paths on either gateway", async () => {
  const { url, seen } = await testServer((_, response) => reply(response, 200, { choices: [] }));
  for (const gateway of ['ollama', 'openai'] as const) {
    const client = new ParallamaClient({ baseUrl: url, apiKey: 'k', gateway });
    await client.completions.create({ model: 'gpt-3.5-turbo', prompt: 'Write', temperature: 0.7 });
    await client.chat.completions.create({ model: 'gpt-3.5-turbo', messages });
  }
  const paths = ['/openai/v1/completions', '/openai/v1/chat/completions'];
  expect(seen.map((one) => one.path)).toEqual([...paths, ...paths]);
  expect(seen[0]?.body).toEqual({ model: 'gpt-3.5-turbo', prompt: 'Write', temperature: 0.7 });
});

test.each([
  ['ollama', '/ollama/v1/models', { models: [{ name: 'llama2' }] }],
  ['openai', '/openai/v1/models', { data: [{ id: 'gpt-4' }] }],
] as const)('%s: listModels', async (gateway, path, list) => {
  const { url, seen } = await testServer((_, response) => reply(response, 200, list));
  const client = new ParallamaClient({ baseUrl: `${url}/ai`, apiKey: 'k', gateway });
  expect(await client.listModels()).toEqual(list);
  expect(seen[0]).toMatchObject({
    method: 'GET',
    path: `/ai${path}`,
    authorization: 'Bearer k',
    body: undefined,
  });
});

test('usage', async () => {
  const { url, seen } = await testServer((_, response) => reply(response, 200, { gateways: {} }));
  expect(await new ParallamaClient({ baseUrl: url, apiKey: 'k' }).usage()).toEqual({ gateways: {} });
  expect(seen[0]).toMatchObject({ method: 'GET', path: '/admin/v1/usage', authorization: 'Bearer k' });
});

test("the caller's fetch is used", async () => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (url) => {
    asked.push(String(url));
    return Response.json({ models: [] });
  };
  await new ParallamaClient({ baseUrl: 'http://nowhere.invalid', fetch }).listModels();
  expect(asked).toEqual(['http://nowhere.invalid/ollama/v1/models']);
});

test('wrong options are named', () => {
  expect(() => new ParallamaClient({ baseUrl: 'localhost:8000' })).toThrow(/baseUrl/);
  const options = JSON.parse('{ "baseUrl": "http://x", "gateway": "toString" }');
  expect(() => new ParallamaClient(options)).toThrow(/'ollama' or 'openai'/);
});
