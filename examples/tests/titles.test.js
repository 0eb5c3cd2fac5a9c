import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { createGateway } from 'parallama';
import { serve } from 'parallama/server';
import { startSimulator } from 'parallama/testing';
import { fetchThatSays } from './openai.js';
import { titleFor, titleWords } from './titles.js';

const question = 'Give a title to: A frog sits by a pond.';

test('one function, without any server', async () => {
  const openai = new OpenAI({ apiKey: 'any', fetch: fetchThatSays(' The Frog ') });
  assert.equal(await titleFor(openai, 'A frog sits by a pond.'), 'The Frog');
  assert.equal((await Array.fromAsync(titleWords(openai, 'A frog.'))).join(''), ' The Frog ');
});

let ollama;
let server;
let openai;
before(async () => {
  ollama = await startSimulator({ models: [{ name: 'llama2', answers: { [question]: 'A Frog at Rest' } }] });
  const gateway = await createGateway({
    store: 'memory:',
    authenticate: () => ({ id: 'the-test', role: 'admin' }),
    config: {
      api_gateways: {
        ollama: { host: 'http://127.0.0.1', port: ollama.port },
        openai: { model_mappings: { 'gpt-4': 'llama2' } },
      },
      logging: { level: 'silent', directory: './data/logs' },
    },
  });
  server = await serve(gateway, { host: '127.0.0.1', port: 0 });
  openai = new OpenAI({ baseURL: `${server.url}/openai/v1`, apiKey: 'any', maxRetries: 0 });
});
after(async () => {
  await server?.close();
  await ollama?.close();
});

test('over real sockets, with a simulated Ollama', async () => {
  assert.equal(await titleFor(openai, 'A frog sits by a pond.'), 'A Frog at Rest');
  assert.equal(ollama.requests.at(-1).body.options.num_predict, 20);
});

test('a model server that breaks off in the middle', async () => {
  ollama.fail({ kind: 'reset', afterTokens: 2, times: 1 });
  await assert.rejects(Array.fromAsync(titleWords(openai, 'A frog sits by a pond.')));
});

test('a model server that cannot be reached', async () => {
  ollama.fail({ kind: 'refuse', times: 1 });
  await assert.rejects(titleFor(openai, 'A frog sits by a pond.'), { status: 502 });
});
