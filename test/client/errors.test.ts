import { expect, test } from 'vitest';
import { ParallamaClient, ParallamaError } from '../../src/client/index.js';
import { type Answer, reply, testServer } from './server.js';

async function errorFrom(answer: Answer): Promise<ParallamaError> {
  const { url } = await testServer(answer);
  const error = await new ParallamaClient({ baseUrl: url })
    .generate({ prompt: 'x' })
    .catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ParallamaError);
  return error;
}

test("OpenAI's error body", async () => {
  const error = { message: 'Token limit reached.', type: 'tokens', param: null, code: 'rate_limit_exceeded' };
  expect(
    await errorFrom((_, response) => reply(response, 429, { error }, { 'retry-after': '17' })),
  ).toMatchObject({
    message: 'Token limit reached.',
    status: 429,
    type: 'tokens',
    code: 'rate_limit_exceeded',
    param: undefined,
    retryAfter: 17,
  });
});

test("Ollama's error body", async () => {
  expect(
    await errorFrom((_, response) => reply(response, 404, { error: "model 'x' not found" })),
  ).toMatchObject({
    message: "model 'x' not found",
    status: 404,
    code: undefined,
    retryAfter: undefined,
  });
});

test('Retry-After as a date', async () => {
  const date = new Date(Date.now() + 60_000).toUTCString();
  const error = await errorFrom((_, response) => reply(response, 503, {}, { 'retry-after': date }));
  expect(error.retryAfter).toBeGreaterThan(50);
  expect(error.retryAfter).toBeLessThan(61);
});

test('an answer that is not JSON', async () => {
  const html: Answer = (_, response) => response.writeHead(502).end('<h1>Bad Gateway</h1>');
  expect(await errorFrom(html)).toMatchObject({ status: 502, message: 'The server answered 502.' });
  expect(await errorFrom((_, response) => response.end('hello'))).toMatchObject({
    status: 200,
    code: 'invalid_answer',
  });
});

test('no server, and one that hangs up', async () => {
  const refused = new ParallamaClient({ baseUrl: 'http://127.0.0.1:1' }).listModels();
  await expect(refused).rejects.toMatchObject({
    name: 'ParallamaError',
    code: 'connection_error',
    status: undefined,
  });
  expect(await errorFrom((_, response) => response.destroy())).toMatchObject({
    code: 'connection_error',
  });
  const cut: Answer = (_, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('{"text":', () => response.destroy());
  };
  expect(await errorFrom(cut)).toMatchObject({ code: 'connection_error' });
});
