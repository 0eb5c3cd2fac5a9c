/** No counter goes above its limit: whatever becomes of a request, it is charged no more than was held for it. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/core/store/open.js';
import { StoreUnavailable } from '../../src/core/store/port.js';
import { type Rig, send, startRig } from '../support/gateway.js';

const LIMIT = 100;

let rig: Rig;
/** Of the last reservation. */
let granted = 0;
let storeAway = false;
let answer: (res: ServerResponse) => void;
const upstream = createServer((req, res) => {
  req.resume();
  req.once('end', () => answer(res));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
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
  upstream.closeAllConnections();
  upstream.close();
});

const chunk = (content: string, more: object = {}) =>
  `${JSON.stringify({ model: 'llama2', message: { role: 'assistant', content }, done: false, ...more })}\n`;
const end = (eval_count: number) =>
  chunk('', { done: true, done_reason: 'stop', prompt_eval_count: 10, eval_count });
const chat = (key: string) =>
  send(rig.url, '/ollama/api/chat', {
    key,
    body: { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] },
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
  expect(used).toBe(granted);
});
