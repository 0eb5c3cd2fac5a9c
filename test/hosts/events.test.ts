/** What a gateway tells its host app. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { EventName, GatewayEvents } from '../../src/core/events.js';
import { type Rig, send, startRig, until } from '../support/gateway.js';
import { appUsers, as, chat, hello } from './users.js';

let rig: Rig;
let told: { [E in EventName]: GatewayEvents[E][] };
beforeAll(async () => {
  const none = { request_limit_hourly: 0 };
  rig = await startRig({
    authenticate: appUsers,
    config: { limits: { roles: { 'no-requests': { ollama: none, openai: none } } } },
  });
  rig.gateway.on('usage', (event) => told.usage.push(event));
  rig.gateway.on('refused', (event) => told.refused.push(event));
  rig.gateway.on('error', (event) => told.error.push(event));
});
beforeEach(() => {
  told = { usage: [], refused: [], error: [] };
});
afterAll(() => rig.close());

test('usage: what was settled, and for whom', async () => {
  const { headers } = await chat(rig.url, as('ann'), { ...hello, model: 'gpt-4' });
  expect(told.usage).toEqual([
    {
      requestId: headers['x-request-id'],
      identity: 'app-ann',
      gateway: 'openai',
      model: 'gpt-4',
      promptTokens: 10,
      completionTokens: 10,
      state: 'final',
      ms: expect.any(Number),
    },
  ]);
  expect(told.refused).toEqual([]);
  expect(told.error).toEqual([]);
});

test('refused: a 429, with the seconds to wait', async () => {
  const { headers } = await chat(rig.url, as('ann', 'no-requests'));
  expect(told.refused).toEqual([
    {
      requestId: headers['x-request-id'],
      identity: 'app-ann',
      gateway: 'openai',
      kind: 'too_many_requests',
      retryAfter: Number(headers['retry-after']),
    },
  ]);
  expect(told.refused[0]?.retryAfter).toBeGreaterThan(0);
  expect(told.error).toEqual([]);
});

test('error: every other answer that failed, with what lies behind it', async () => {
  await chat(rig.url, {});
  rig.simulator.fail({ kind: 'refuse', times: 1 });
  await chat(rig.url, as('ann'));
  expect(told.error).toMatchObject([
    { kind: 'invalid_key', status: 401, identity: undefined, gateway: 'openai' },
    { kind: 'upstream_unavailable', status: 502, identity: 'app-ann', gateway: 'openai' },
  ]);
  expect(told.error[1]?.error.cause).toBeInstanceOf(Error);
  expect(told.usage).toMatchObject([{ state: 'failed', promptTokens: 0, completionTokens: 0 }]);
});

test('error: a stream that broke off after its 200', async () => {
  rig.simulator.fail({ kind: 'reset', afterTokens: 3, times: 1 });
  const reply = await chat(rig.url, as('ann'), { ...hello, stream: true });
  expect(reply.status).toBe(200);
  await until(() => told.error.length > 0);
  expect(told.error).toMatchObject([
    { status: 502, identity: 'app-ann', requestId: reply.headers['x-request-id'] },
  ]);
  expect(told.usage).toMatchObject([{ state: 'failed', completionTokens: 3 }]);
});

test('a listener that throws breaks neither the answer nor the metering nor its fellows', async () => {
  const off = [
    rig.gateway.on('usage', () => {
      throw new Error('a broken listener');
    }),
    rig.gateway.on('usage', async () => {
      throw new Error('a broken async listener');
    }),
    rig.gateway.on('error', () => {
      throw new Error('another broken listener');
    }),
  ];
  expect((await chat(rig.url, as('bob'))).status).toBe(200);
  expect((await chat(rig.url, {})).status).toBe(401);
  expect(told.usage).toHaveLength(1);
  expect(told.error).toHaveLength(1);
  expect(await rig.history('app-bob')).toMatchObject([
    { requests: 1, promptTokens: 10, completionTokens: 10 },
  ]);
  const lines = () =>
    rig.log.filter(({ log, msg }) => log === 'error' && String(msg).startsWith('a listener of the event'));
  await until(() => lines().length === 3);
  expect(lines().map(({ err }) => (err as Error).message)).toEqual(
    expect.arrayContaining(['a broken listener', 'a broken async listener', 'another broken listener']),
  );
  for (const take of off) take();
});

test('what was taken back hears nothing more, and only that', async () => {
  const heard: string[] = [];
  const note = () => void heard.push('heard');
  const [first, second] = [rig.gateway.on('usage', note), rig.gateway.on('usage', note)];
  first();
  first();
  await chat(rig.url, as('cleo'));
  expect(heard).toEqual(['heard']);
  second();
  await chat(rig.url, as('cleo'));
  expect(heard).toEqual(['heard']);
});

test('an event that there is none of is an error', () => {
  const on = rig.gateway.on as (event: string, listener: unknown) => void;
  expect(() => on('used', () => {})).toThrow("There is no event 'used'. Events: usage, refused, error.");
  expect(() => on('usage', 'listener')).toThrow("The listener of 'usage' is not a function.");
});

test('reading models tells nothing', async () => {
  await send(rig.url, '/openai/v1/models', { headers: as('ann') });
  expect(told).toEqual({ usage: [], refused: [], error: [] });
});
