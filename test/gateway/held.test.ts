/** No counter goes above its limit: whatever becomes of a request, it is charged no more than was held for it. */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/core/store/open.js';
import { StoreUnavailable } from '../../src/core/store/port.js';
import { type Rig, send, startRig, until } from '../support/gateway.js';
import { type OwnUpstream, startOwnUpstream } from '../support/own-upstream.js';

const LIMIT = 100;

let rig: Rig;
/** Of the last reservation. */
let granted = 0;
let storeAway = false;
let answer: (res: ServerResponse) => void;
let upstream: OwnUpstream;

beforeAll(async () => {
  upstream = await startOwnUpstream((req, res) => req.resume().once('end', () => answer(res)));
  const { port } = upstream;
  const limits = { token_limit_daily: LIMIT };
  const memory = await openStore('memory:');
  rig = await startRig({
    store: {
      ...memory,
      async reserve(...args) {
        const reserved = await memory.reserve(...args);
        if (reserved.ok) granted = reserved.granted;
        return reserved;
      },
      async extend(...args) {
        if (storeAway) throw new StoreUnavailable('away');
        return memory.extend(...args);
      },
    },
    config: {
      api_gateways: { ollama: { port } },
      limits: { roles: { few: { openai: limits, ollama: limits } } },
    },
  });
});
afterAll(async () => {
  await rig.close();
  upstream.stop();
});

const chunk = (content: string, more: object = {}) =>
  `${JSON.stringify({ model: 'llama2', message: { role: 'assistant', content }, done: false, ...more })}\n`;
const end = (eval_count: number) =>
  chunk('', { done: true, done_reason: 'stop', prompt_eval_count: 10, eval_count });
const chat = (key: string, stream = true, model = 'llama2') =>
  send(rig.url, '/ollama/api/chat', {
    key,
    body: { model, messages: [{ role: 'user', content: 'Hello!' }], stream },
  });
const day = new Date().toISOString().slice(0, 10);
const tokensOf = async ({ id }: { id: string }) =>
  (await rig.store.counters(id, [`ollama:tokens:day:${day}`]))[0]!;

test("where Ollama's own count is more than its chunks, and more than the limit has left", async () => {
  const user = await rig.user('few');
  answer = (res) => void res.end(chunk('Hello') + chunk('!') + end(1_000));
  expect(await chat(user.key)).toMatchObject({ status: 200 });
  expect(await tokensOf(user)).toEqual({ used: granted, held: 0 });
  expect(granted).toBeLessThan(LIMIT);
});

test("where the limit has room for Ollama's own count, it is charged in full", async () => {
  const user = await rig.user('few');
  answer = (res) => void res.end(chunk('Hello') + chunk('!') + end(60));
  expect(await chat(user.key)).toMatchObject({ status: 200 });
  expect(await tokensOf(user)).toEqual({ used: 70, held: 0 });
});

test('where the store is away when more is needed', async () => {
  const user = await rig.user('few');
  answer = (res) => void res.end(chunk('and so on ').repeat(50) + end(50));
  storeAway = true;
  await chat(user.key);
  storeAway = false;
  const { used, held } = await tokensOf(user);
  expect(held).toBe(0);
  // Its prompt as expected, and what the model has said until then.
  expect(used).toBeGreaterThan(10);
  expect(used).toBeLessThanOrEqual(granted);
});

test('where the store is away, an answer that is complete is charged in full', async () => {
  const complete: number[] = [];
  for (let chunks = 1; chunks <= 12; chunks += 1) {
    const user = await rig.user('few');
    // The end is a token, too, and of what is held for the prompt nothing is left.
    const last = end(chunks + 1).replace('"prompt_eval_count":10', '"prompt_eval_count":50');
    answer = (res) => void res.end(chunk('and so on ').repeat(chunks) + last);
    storeAway = true;
    // A model of which nothing is learned yet.
    const { text } = await chat(user.key, true, `llama-${chunks}`);
    storeAway = false;
    if (!text.includes('"done":true')) continue;
    complete.push(chunks);
    expect(await tokensOf(user)).toEqual({ used: 50 + chunks + 1, held: 0 });
  }
  // Some fit into what was granted before, and some do not.
  expect(complete.length).toBeGreaterThan(0);
  expect(complete.length).toBeLessThan(12);
});

test('where the estimate of a prompt has changed since it was held', async () => {
  const user = await rig.user('few');
  let running: ServerResponse | undefined;
  answer = (res) => {
    running = res;
    res.write(chunk('Hello'));
  };
  const cut = chat(user.key, false);
  await until(() => running);
  // Another user's prompt takes 500 tokens: so will all of this length, for all that is known.
  answer = (res) =>
    void res.end(chunk('Hello') + end(1).replace('"prompt_eval_count":10', '"prompt_eval_count":500'));
  expect(await chat((await rig.user('admin')).key)).toMatchObject({ status: 200 });
  running!.end(chunk('and so on ').repeat(200) + end(200));
  const last = (await cut).json as { prompt_eval_count: number; eval_count: number; done_reason: string };
  expect(last.done_reason).toBe('length');
  expect(await tokensOf(user)).toEqual({ used: LIMIT, held: 0 });
  expect(last.prompt_eval_count + last.eval_count).toBe(LIMIT);
});
