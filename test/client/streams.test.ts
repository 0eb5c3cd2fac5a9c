import { expect, test } from 'vitest';
import { ParallamaClient } from '../../src/client/index.js';
import { type Answer, testServer } from './server.js';

const messages = [{ role: 'user', content: 'Hello!' }];
const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };

/** Writes the text in pieces of `size` bytes, each a packet of its own as far as TCP allows. */
const inPieces =
  (text: string, size: number): Answer =>
  async (_, response) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) {
      response.write(bytes.subarray(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  };

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const chunk of stream) all.push(chunk);
  return all;
}

const NDJSON = [
  { text: 'Grüße, ', done: false },
  { text: '🦙\n', done: false },
  { text: '', done: true, usage },
];

test.each([1, 3, 1000])('ollama: lines cut into %i bytes', async (size) => {
  const text = NDJSON.map((chunk) => `${JSON.stringify(chunk)}\n`).join('\r\n');
  const { url, seen } = await testServer(inPieces(text, size));
  const client = new ParallamaClient({ baseUrl: url });
  expect(await collect(await client.generate({ prompt: 'x', stream: true }))).toEqual(NDJSON);
  expect(seen[0]?.body).toEqual({ prompt: 'x', stream: true, parameters: {} });
});

test.each([1, 3, 1000])('openai: events cut into %i bytes, comments, CRLF', async (size) => {
  const chunks = ['Grüße, ', '🦙\n'].map((content) => ({ choices: [{ index: 0, delta: { content } }] }));
  const [first, second] = chunks.map((chunk) => JSON.stringify(chunk));
  const text = `: hello\n\ndata: ${first}\n\n: ping\r\n\r\ndata:${second}\r\n\r\ndata: [DONE]\n\n`;
  const { url } = await testServer(inPieces(text, size));
  const client = new ParallamaClient({ baseUrl: url, gateway: 'openai' });
  expect(await collect(await client.chat({ messages, stream: true }))).toEqual(chunks);
});

test('a last line without a line feed counts', async () => {
  const { url } = await testServer(inPieces(JSON.stringify(NDJSON[2]), 1000));
  const stream = await new ParallamaClient({ baseUrl: url }).chat({ messages, stream: true });
  expect(await collect(stream)).toEqual([NDJSON[2]]);
});

test.each([
  ['ollama', '{"text":"a","done":false}\n{"error":"The model server failed."}\n'],
  [
    'openai',
    'data: {"choices":[]}\n\ndata: {"error":{"message":"The model server failed.","code":"upstream_error"}}\n\n',
  ],
] as const)('%s: an error inside the stream is thrown after what came before it', async (gateway, text) => {
  const { url } = await testServer(inPieces(text, 1000));
  const stream = await new ParallamaClient({ baseUrl: url, gateway }).generate({ prompt: 'x', stream: true });
  const iterator = stream[Symbol.asyncIterator]();
  expect((await iterator.next()).done).toBe(false);
  await expect(iterator.next()).rejects.toMatchObject({
    name: 'ParallamaError',
    message: 'The model server failed.',
    status: undefined,
  });
});

test.each([
  ['ollama', '{"text":"a","done":false}\n'],
  ['openai', 'data: {"choices":[]}\n\n'],
] as const)('%s: a stream without its end mark is not taken for whole', async (gateway, text) => {
  const { url } = await testServer(inPieces(text, 1000));
  const stream = await new ParallamaClient({ baseUrl: url, gateway }).generate({ prompt: 'x', stream: true });
  await expect(collect(stream)).rejects.toMatchObject({ code: 'stream_truncated' });
});

test('a connection that breaks in the middle', async () => {
  const { url } = await testServer((_, response) => {
    response.write('{"text":"a","done":false}\n', () => response.destroy());
  });
  const stream = await new ParallamaClient({ baseUrl: url }).generate({ prompt: 'x', stream: true });
  await expect(collect(stream)).rejects.toMatchObject({ code: 'connection_error' });
});

const endless: Answer = (_, response) => {
  response.write('{"text":"a","done":false}\n');
};

test('leaving the loop closes the connection', async () => {
  const { url, seen } = await testServer(endless);
  const stream = await new ParallamaClient({ baseUrl: url }).generate({ prompt: 'x', stream: true });
  for await (const chunk of stream) {
    expect(chunk.text).toBe('a');
    break;
  }
  await seen[0]?.gone;
});

test('the signal ends a stream', async () => {
  const { url, seen } = await testServer(endless);
  const controller = new AbortController();
  const { signal } = controller;
  const stream = await new ParallamaClient({ baseUrl: url }).generate({ prompt: 'x', stream: true, signal });
  await expect(async () => {
    for await (const _ of stream) controller.abort();
  }).rejects.toMatchObject({ name: 'AbortError' });
  await seen[0]?.gone;
});

test('the signal ends a request that has no answer yet', async () => {
  const controller = new AbortController();
  const { url, seen } = await testServer(() => controller.abort());
  const call = new ParallamaClient({ baseUrl: url }).generate({ prompt: 'x', signal: controller.signal });
  await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  await seen[0]?.gone;
});
