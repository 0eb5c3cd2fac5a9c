/** An Ollama that answers in ways of its own, or something else where Ollama should be. */
import type { ServerResponse } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, send, startRig, until } from '../support/gateway.js';
import { type OwnUpstream, startOwnUpstream } from '../support/own-upstream.js';

let rig: Rig;
let key: string;
let answer: (res: ServerResponse) => void;
let upstream: OwnUpstream;

beforeAll(async () => {
  upstream = await startOwnUpstream((req, res) => req.resume().once('end', () => answer(res)));
  const { port } = upstream;
  rig = await startRig({ config: { api_gateways: { ollama: { port, first_byte_timeout: 1 } } } });
  ({ key } = await rig.user('admin'));
});
afterAll(async () => {
  await rig.close();
  upstream.stop();
});

const messages = [{ role: 'user', content: 'Hello!' }];
const chat = (body: object = {}) =>
  send(rig.url, '/openai/v1/chat/completions', { key, body: { model: 'gpt-4', messages, ...body } });
const native = (body: object = {}) =>
  send(rig.url, '/ollama/api/chat', { key, body: { model: 'llama2', messages, ...body } });

const says = (content: string, more: object = {}) => ({
  model: 'llama2:70b',
  created_at: '2026-01-01T00:00:00Z',
  message: { role: 'assistant', content },
  done: false,
  ...more,
});
const END = says('', { done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count: 2 });
const lines = (...chunks: object[]) => chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join('');
const answering =
  (body: string | Buffer, headers: Record<string, string> = {}, status = 200) =>
  (res: ServerResponse) =>
    void res.writeHead(status, { 'content-type': 'application/x-ndjson', ...headers }).end(body);

describe('an answer', () => {
  test('that is one document though a stream was asked for is streamed', async () => {
    const whole = { ...END, message: { role: 'assistant', content: 'Hi!' } };
    answer = answering(JSON.stringify(whole), { 'content-type': 'application/json' });
    const { status, text } = await chat({ stream: true });
    expect(status).toBe(200);
    expect(text).toContain('"content":"Hi!"');
    expect(text).toContain('"finish_reason":"stop"');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect((await chat()).json).toMatchObject({ choices: [{ message: { content: 'Hi!' } }] });
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('in %s, which nobody asked for, is decoded', async (encoding, compress) => {
    answer = answering(compress(lines(says('Hi'), says('!'), END)), { 'content-encoding': encoding });
    const whole = await chat();
    expect(whole.json).toMatchObject({ choices: [{ message: { content: 'Hi!' } }] });
    expect(whole.headers['content-encoding']).toBeUndefined();
    const relayed = await native();
    expect(relayed.headers['content-encoding']).toBeUndefined();
    expect(relayed.text.split('\n')).toHaveLength(4);
  });

  test('that fails in the same packet as its text loses none of the text', async () => {
    answer = answering(lines(says('Hi'), says('!'), { error: 'it broke' }));
    const { status, text } = await chat({ stream: true });
    expect(status).toBe(200);
    expect(text).toMatch(/"content":"Hi".*"content":"!".*data: \{"error":/s);
    expect(text).not.toContain('[DONE]');
    expect((await chat()).status).toBe(502);
  });

  test('with a reason to be done, but not done, is finished', async () => {
    answer = answering(lines(says('Hi!'), says('', { done_reason: 'length' })));
    const { text } = await chat({ stream: true });
    expect(text).toContain('"finish_reason":"length"');
    expect(text).toContain('[DONE]');
    expect((await chat()).json).toMatchObject({ choices: [{ finish_reason: 'length' }] });
  });

  test('that says something and is not done is the answer', async () => {
    answer = answering(JSON.stringify(says('Hi!')), { 'content-type': 'application/json' });
    expect(await chat()).toMatchObject({
      status: 200,
      json: { choices: [{ message: { content: 'Hi!' }, finish_reason: 'stop' }] },
    });
    const reply = await native({ stream: false });
    expect(reply).toMatchObject({ status: 200, json: { message: { content: 'Hi!' }, done: true } });
  });

  test('that says nothing at all is none', async () => {
    answer = answering('', { 'content-type': 'application/json' });
    expect(await chat()).toMatchObject({ status: 502, json: { error: { code: 'upstream_error' } } });
    const reply = await native({ stream: false });
    expect(reply).toMatchObject({ status: 502, json: { error: expect.any(String) } });
  });

  test('of 499 is not told to clients as their own leaving', async () => {
    answer = answering('{"error":"request canceled"}', { 'content-type': 'application/json' }, 499);
    for (const reply of [await chat(), await chat({ stream: true }), await native()]) {
      expect(reply.status).toBe(502);
      expect(reply.text).not.toMatch(/client/i);
    }
  });

  test('in native lines carries no `error` that is not one', async () => {
    answer = answering(lines(says('Hi!'), END));
    const { text } = await native();
    for (const line of text.trimEnd().split('\n')) expect(JSON.parse(line)).not.toHaveProperty('error');
  });
});

describe('a refusal', () => {
  test.each([401, 403])(
    'of %i without a word is our trouble, and the log says where to look',
    async (code) => {
      answer = answering('', {}, code);
      const known = rig.log.length;
      for (const reply of [await chat(), await chat({ stream: true }), await native()]) {
        expect(reply.status).toBe(502);
        expect(reply.text).not.toMatch(/OLLAMA|127\.0\.0\.1/);
      }
      const line = rig.log.slice(known).find((one) => one.log === 'gateway' && one.status === 502);
      expect(line?.reason).toMatch(/OLLAMA_HOST and OLLAMA_ORIGINS/);
    },
  );

  test.each([
    [404, '404 page not found'],
    [405, '405 method not allowed'],
    [502, '<html>Bad gateway</html>'],
  ])('of %i in plain text is a 502 in the dialect of the caller', async (code, text) => {
    answer = answering(text, { 'content-type': 'text/plain' }, code);
    expect(await chat({ stream: true })).toMatchObject({
      status: 502,
      json: { error: { type: 'server_error' } },
    });
    expect(await native()).toMatchObject({ status: 502, json: { error: expect.any(String) } });
  });

  test('to embed what is not a number is a clean 502', async () => {
    const error = 'failed to encode response: json: unsupported value: NaN';
    answer = answering(JSON.stringify({ error }), { 'content-type': 'application/json' }, 500);
    const body = { model: 'gpt-4', input: 'Hello!' };
    const reply = await send(rig.url, '/openai/v1/embeddings', { key, body });
    expect(reply).toMatchObject({ status: 502, json: { error: { code: 'upstream_error' } } });
  });

  test('for a model without tools or thinking is 400 and names the parameter', async () => {
    const refuse = (error: string) => answering(JSON.stringify({ error }), {}, 400);
    answer = refuse('registry.ollama.ai/library/llama2:70b does not support tools');
    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect(await chat({ tools })).toMatchObject({
      status: 400,
      json: {
        error: { param: 'tools', code: 'unsupported_parameter', message: '"gpt-4" does not support tools' },
      },
    });
    answer = refuse('"llama2:70b" does not support thinking');
    expect(await chat({ reasoning_effort: 'low' })).toMatchObject({
      status: 400,
      json: { error: { param: 'reasoning_effort', message: '"gpt-4" does not support thinking' } },
    });
  });
});

test('no answer at all is a 504 after the time that is configured', async () => {
  answer = () => {};
  expect(await chat()).toMatchObject({ status: 504, json: { error: { code: 'upstream_timeout' } } });
  expect(await native()).toMatchObject({ status: 504, json: { error: expect.any(String) } });
});

test('the access log tells a stream that broke from one that was whole, though both are 200', async () => {
  const logged = async (id: string) =>
    until(() => rig.log.find((line) => line.log === 'api' && line.request_id === id));
  answer = answering(lines(says('Hi!'), END));
  const whole = await chat({ stream: true });
  expect(await logged(String(whole.headers['x-request-id']))).toMatchObject({
    status: 200,
    error: undefined,
  });
  answer = (res) => {
    res.writeHead(200, { 'content-type': 'application/x-ndjson' });
    res.write(lines(says('Hi!')), () => setTimeout(() => res.end(lines({ error: 'boom' })), 50));
  };
  const broken = await chat({ stream: true });
  expect(broken.status).toBe(200);
  expect(await logged(String(broken.headers['x-request-id']))).toMatchObject({ error: 'upstream_error' });
});

test('a pull whose client leaves is given up', async () => {
  let closed = false;
  answer = (res) => {
    res.once('close', () => {
      closed = true;
    });
    res.writeHead(200, { 'content-type': 'application/x-ndjson' });
    res.write(lines({ status: 'pulling manifest' }));
  };
  const leaving = new AbortController();
  const reply = await fetch(`${rig.url}/ollama/api/pull`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'big' }),
    signal: leaving.signal,
  });
  const { value } = await reply.body!.getReader().read();
  expect(Buffer.from(value!).toString()).toBe('{"status":"pulling manifest"}\n');
  expect(closed).toBe(false);
  leaving.abort();
  await until(() => closed);
});
