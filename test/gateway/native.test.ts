/** Native Ollama behind the gateway: with its own client, byte for byte, and managed by those who may. */
import { Ollama } from 'ollama';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
let admin: string;
let user: string;
beforeAll(async () => {
  rig = await startRig({
    simulator: { registry: [{ name: 'far-away' }] },
    config: { limits: { roles: { narrow: { ollama: { request_limit_hourly: 1 } } } }, roles: { narrow: {} } },
  });
  rig.simulator.models.add({
    name: 'all',
    capabilities: ['completion', 'tools', 'thinking', 'vision', 'embedding', 'insert'],
  });
  admin = (await rig.user('admin')).key;
  user = (await rig.user('premium')).key;
});
afterAll(() => rig.close());

const clientFor = (key: string) =>
  new Ollama({ host: `${rig.url}/ollama`, headers: { authorization: `Bearer ${key}` } });
const messages = [{ role: 'user', content: 'Hello!' }];
/** Node frames no body of DELETE by itself. */
const framed = (body: object) => ({ 'content-length': String(JSON.stringify(body).length) });
const GREETING = 'Hi! How can I help you today?';

describe("Ollama's own client", () => {
  test('lists, shows and embeds', async () => {
    const client = clientFor(user);
    expect((await client.list()).models.map(({ name }) => name)).toContain('all:latest');
    expect((await client.show({ model: 'all' })).capabilities).toContain('thinking');
    expect(await client.version()).toHaveProperty('version');
    expect((await client.ps()).models).toBeInstanceOf(Array);
    expect((await client.embed({ model: 'all', input: ['a', 'b'] })).embeddings).toHaveLength(2);
    expect((await client.embeddings({ model: 'all', prompt: 'a' })).embedding.length).toBeGreaterThan(0);
  });

  test('chats and generates, whole and streamed', async () => {
    const client = clientFor(user);
    expect((await client.chat({ model: 'all', messages })).message.content).toBe(GREETING);
    expect((await client.generate({ model: 'all', prompt: 'Hello!' })).response).toBe(GREETING);
    let text = '';
    for await (const part of await client.chat({ model: 'all', messages, stream: true }))
      text += part.message.content;
    for await (const part of await client.generate({ model: 'all', prompt: 'Hello!', stream: true })) {
      text += part.response;
    }
    expect(text).toBe(GREETING + GREETING);
  });

  test('calls tools, thinks, and wants a format', async () => {
    const client = clientFor(user);
    const parameters = { type: 'object', properties: { city: { type: 'string' } } };
    const tools = [
      { type: 'function', function: { name: 'get_weather', description: 'Weather', parameters } },
    ];
    const ask = (content: string) => ({ model: 'all', messages: [{ role: 'user', content }] });
    const called = await client.chat({ ...ask('What is the weather in Paris?'), tools });
    expect(called.message.tool_calls?.[0]?.function).toMatchObject({ arguments: { city: 'Paris' } });
    const thought = await client.chat({ ...ask('What is 6 times 7? Think first'), think: true });
    expect(thought.message).toMatchObject({ content: 'The answer is 42.', thinking: expect.any(String) });
    const formatted = await client.chat({ ...ask('Give me JSON about Paris'), format: 'json' });
    expect(JSON.parse(formatted.message.content)).toMatchObject({ city: 'Paris' });
    const seen = await client.chat({ model: 'all', messages: [{ ...messages[0]!, images: ['AAAA'] }] });
    expect(seen.done).toBe(true);
  });

  test('sees a refusal as the text that it is', async () => {
    await expect(clientFor('pk_live_wrong').list()).rejects.toMatchObject({
      status_code: 401,
      message: expect.stringMatching(/key/i),
    });
    const missing = clientFor(user).chat({ model: 'nope', messages });
    await expect(missing).rejects.toMatchObject({
      status_code: 404,
      message: expect.stringContaining('nope'),
    });
  });

  test('sees a limit as a text, once', async () => {
    const { key } = await rig.user('narrow');
    await clientFor(key).chat({ model: 'all', messages });
    const asked = rig.simulator.requests.length;
    await expect(clientFor(key).chat({ model: 'all', messages })).rejects.toMatchObject({ status_code: 429 });
    expect(rig.simulator.requests.length).toBe(asked);
    const reply = await send(rig.url, '/ollama/api/chat', { key, body: { model: 'all', messages } });
    expect(reply.json).toEqual({ error: expect.any(String) });
    expect(Number(reply.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });
});

test.each([
  ['HEAD', '/ollama'],
  ['GET', '/ollama/'],
  ['HEAD', '/ollama/'],
  ['HEAD', '/ollama/api/tags'],
  ['GET', '/ollama/api/version'],
])('%s %s is 200', async (method, path) => {
  const { status, text } = await send(rig.url, path, { method, key: user });
  expect(status).toBe(200);
  if (method === 'HEAD') expect(text).toBe('');
});

test('answers are the bytes of Ollama itself', async () => {
  const body = { model: 'all', messages: [{ role: 'user', content: 'Say something in many scripts' }] };
  // What differs from run to run are times.
  const still = (text: string) => text.replace(/"(\w+_at|\w+_duration)":("[^"]*"|\d+)/g, '"$1":0');
  const stream = await send(rig.url, '/ollama/api/chat', { key: admin, body });
  expect(still(stream.text)).toBe(still((await send(rig.simulator.url, '/api/chat', { body })).text));
  expect(stream.headers['content-type']).toBe('application/x-ndjson');
  for (const path of ['tags', 'version']) {
    const reply = await send(rig.url, `/ollama/api/${path}`, { key: admin });
    expect(still(reply.text)).toBe(still((await send(rig.simulator.url, `/api/${path}`)).text));
  }
});

describe('managing models', () => {
  const CALLS: [string, string, object | undefined][] = [
    ['POST', 'pull', { model: 'far-away' }],
    ['POST', 'push', { model: 'all' }],
    ['POST', 'create', { model: 'mine', from: 'all' }],
    ['POST', 'copy', { source: 'all', destination: 'mine' }],
    ['DELETE', 'delete', { model: 'all' }],
    ['HEAD', 'blobs/sha256:aa', undefined],
    ['POST', 'blobs/sha256:aa', {}],
  ];

  test.each(CALLS)(
    '%s %s is refused to ordinary users, and Ollama never hears of it',
    async (method, name, body) => {
      rig.simulator.requests.length = 0;
      const reply = await send(rig.url, `/ollama/api/${name}`, {
        method,
        key: user,
        body,
        headers: body && framed(body),
      });
      expect(reply.status).toBe(403);
      if (method !== 'HEAD') expect(reply.json).toEqual({ error: expect.any(String) });
      expect(rig.simulator.requests).toEqual([]);
    },
  );

  test.each([
    ['POST', 'me'],
    ['POST', 'signout'],
    ['DELETE', 'user/keys/x'],
    ['POST', 'experimental/web_search'],
  ])("%s %s, about the server's own account, is nowhere, for admins too", async (method, name) => {
    rig.simulator.requests.length = 0;
    const reply = await send(rig.url, `/ollama/api/${name}`, {
      method,
      key: admin,
      body: {},
      headers: framed({}),
    });
    expect(reply).toMatchObject({ status: 404, json: { error: expect.any(String) } });
    expect(rig.simulator.requests).toEqual([]);
  });

  test('works for those who may, with progress', async () => {
    const client = clientFor(admin);
    const statuses: string[] = [];
    for await (const { status } of await client.pull({ model: 'far-away', stream: true }))
      statuses.push(status);
    expect(statuses.at(-1)).toBe('success');
    expect(statuses.length).toBeGreaterThan(2);
    await client.copy({ source: 'far-away', destination: 'near' });
    expect((await client.list()).models.map(({ name }) => name)).toContain('near:latest');
    await client.delete({ model: 'near' });
    expect((await client.list()).models.map(({ name }) => name)).not.toContain('near:latest');
  });
});
