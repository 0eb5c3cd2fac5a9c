/** Quotas as a client meets them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
const template = (limits: object) => ({ ollama: limits, openai: limits });
beforeAll(async () => {
  rig = await startRig({
    config: {
      limits: {
        roles: {
          'two-requests': template({ request_limit_hourly: 2 }),
          'fifty-tokens': template({ token_limit_hourly: 50 }),
          'five-thousand': template({ token_limit_hourly: 5_000 }),
          nothing: template({ token_limit_daily: 0 }),
        },
      },
    },
  });
});
afterAll(() => rig.close());

const hello = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] };
const count = (to: number, more: object = {}) => ({
  model: 'llama2',
  messages: [{ role: 'user', content: `Count from 1 to ${to}` }],
  ...more,
});
const chat = (key: string, body: unknown) => send(rig.url, '/openai/v1/chat/completions', { key, body });

interface Usage {
  gateways: Record<string, Record<'today' | 'current_hour', Record<string, number | null>>>;
}
const usage = async (key: string) => (await send(rig.url, '/admin/v1/usage', { key })).json as Usage;

interface Completion {
  choices: { finish_reason: string; message: { content: string } }[];
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
}

test('the third of two requests is refused, with all that a client needs to wait', async () => {
  const { key } = await rig.user('two-requests');
  expect((await chat(key, hello)).headers['x-ratelimit-remaining-requests']).toBe('1');
  expect((await chat(key, hello)).headers['x-ratelimit-remaining-requests']).toBe('0');
  const refused = await chat(key, hello);
  expect(refused.status).toBe(429);
  expect(refused.json).toMatchObject({
    error: { type: 'requests', code: 'rate_limit_exceeded', param: null },
  });
  const wait = Number(refused.headers['retry-after']);
  expect(wait).toBeGreaterThanOrEqual(1);
  expect(wait).toBeLessThanOrEqual(3_600);
  expect(refused.headers['x-should-retry']).toBe(String(wait <= 60));
  expect(refused.headers['x-ratelimit-limit-requests']).toBe('2');
  expect(refused.headers['x-ratelimit-remaining-requests']).toBe('0');
  expect(refused.headers['x-ratelimit-reset-requests']).toMatch(/^(\d+h)?(\d+m)?(\d+(\.\d+)?s)?$/);
});

test('each gateway has limits of its own, and a refusal speaks its dialect', async () => {
  const { key } = await rig.user('two-requests');
  for (let i = 0; i < 3; i += 1) await chat(key, hello);
  const body = { ...hello, stream: false };
  expect((await send(rig.url, '/ollama/api/chat', { key, body })).status).toBe(200);
  expect((await send(rig.url, '/ollama/v1/chat', { key, body })).status).toBe(200);
  const refused = await send(rig.url, '/ollama/api/chat', { key, body });
  expect(refused.status).toBe(429);
  expect(refused.json).toEqual({ error: expect.stringContaining('requests per hour of the ollama gateway') });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
});

test('a refused request changes nothing', async () => {
  const { key, id } = await rig.user('two-requests');
  for (let i = 0; i < 5; i += 1) await chat(key, hello);
  const { openai } = (await usage(key)).gateways;
  expect(openai?.current_hour).toMatchObject({ total_requests: 2, remaining_requests: 0 });
  expect(await rig.history(id)).toMatchObject([{ requests: 2, errors: 0 }]);
});

test('what is used is what Ollama counted, in counters and history alike', async () => {
  const { key, id } = await rig.user();
  const { json } = await chat(key, hello);
  expect((json as Completion).usage).toEqual({ prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 });
  const { openai, ollama } = (await usage(key)).gateways;
  expect(openai?.today).toMatchObject({ total_tokens: 20, total_requests: 1, remaining_tokens: 4_999_980 });
  expect(ollama?.today).toMatchObject({ total_tokens: 0, total_requests: 0 });
  expect(await rig.history(id)).toMatchObject([
    {
      gateway: 'openai',
      model: 'llama2',
      requests: 1,
      promptTokens: 10,
      completionTokens: 10,
      errors: 0,
      aborted: 0,
    },
  ]);
});

test('output never exceeds what is left: it is cut with finish_reason length', async () => {
  const { key } = await rig.user('fifty-tokens');
  const reply = await chat(key, count(1_000));
  const { choices, usage: used } = reply.json as Completion;
  expect(choices[0]?.finish_reason).toBe('length');
  expect(used.total_tokens).toBeLessThanOrEqual(50);
  expect(used.completion_tokens).toBeGreaterThan(5);
  const next = (await usage(key)).gateways.openai?.current_hour;
  expect(next?.total_tokens).toBe(used.total_tokens);
});

test('max_tokens above what is left is clamped, not refused', async () => {
  const { key } = await rig.user('fifty-tokens');
  const reply = await chat(key, count(1_000, { max_tokens: 4_096 }));
  expect(reply.status).toBe(200);
  expect((reply.json as Completion).choices[0]?.finish_reason).toBe('length');
  const { body } = rig.simulator.requests.at(-1) as { body: { options: { num_predict: number } } };
  expect(body.options.num_predict).toBeLessThan(50);
});

test("the client's own bound goes to Ollama as it is, and none is made up where nothing bounds it", async () => {
  const { key } = await rig.user('admin');
  const options = () => (rig.simulator.requests.at(-1) as { body: { options?: object } }).body.options;
  await chat(key, { ...hello, max_tokens: 7 });
  expect(options()).toEqual({ num_predict: 7 });
  await chat(key, hello);
  expect(options() ?? {}).toEqual({});
});

test('a user without tokens left is refused before Ollama hears of it', async () => {
  const { key } = await rig.user('nothing');
  const before = rig.simulator.requests.length;
  const refused = await chat(key, hello);
  expect(refused.status).toBe(429);
  expect(refused.json).toMatchObject({
    error: { type: 'tokens', message: expect.stringContaining('Request too large') },
  });
  expect(rig.simulator.requests.length).toBe(before);
});

test('ten open-ended streams side by side on 5,000 tokens all run, topped up beyond their first grant', async () => {
  const { key, id } = await rig.user('five-thousand');
  rig.simulator.pace = 1;
  const streams = Array.from({ length: 10 }, () => chat(key, count(100, { stream: true })));
  const replies = await Promise.all(streams);
  rig.simulator.pace = 0;
  expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(200));
  for (const { text } of replies) {
    expect(text).toContain('"finish_reason":"stop"');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  }
  const [row] = await rig.history(id);
  const counters = (await usage(key)).gateways.openai?.current_hour;
  expect(row?.requests).toBe(10);
  expect(counters?.total_tokens).toBe((row?.promptTokens ?? 0) + (row?.completionTokens ?? 0));
  expect(counters?.total_tokens).toBeGreaterThan(10 * 100);
  expect(counters?.remaining_tokens).toBe(5_000 - (counters?.total_tokens ?? 0));
});

test('streams that together want more than there is end with length, never above the limit', async () => {
  const { key, id } = await rig.user('five-thousand');
  rig.simulator.pace = 0.2;
  const replies = await Promise.all(
    Array.from({ length: 8 }, () => chat(key, count(2_000, { stream: true }))),
  );
  rig.simulator.pace = 0;
  const cut = replies.filter(({ text }) => text.includes('"finish_reason":"length"'));
  expect(cut.length).toBeGreaterThan(0);
  const counters = (await usage(key)).gateways.openai?.current_hour;
  const [row] = await rig.history(id);
  expect(counters?.total_tokens).toBeLessThanOrEqual(5_000);
  expect(counters?.total_tokens).toBeGreaterThan(4_000);
  expect((row?.promptTokens ?? 0) + (row?.completionTokens ?? 0)).toBe(counters?.total_tokens);
});

test('reading models, versions and usage is free', async () => {
  const { key } = await rig.user('two-requests');
  for (const path of [
    '/openai/v1/models',
    '/ollama/v1/models',
    '/ollama/api/tags',
    '/ollama/api/ps',
    '/ollama/api/version',
  ]) {
    expect((await send(rig.url, path, { key })).status, path).toBe(200);
  }
  expect((await send(rig.url, '/ollama/api/show', { key, body: { model: 'llama2' } })).status).toBe(200);
  const { gateways } = await usage(key);
  expect(gateways.ollama?.today).toMatchObject({ total_requests: 0, remaining_requests: null });
});

test('embeddings are counted', async () => {
  const { key, id } = await rig.user();
  await send(rig.url, '/ollama/api/embed', {
    key,
    body: { model: 'nomic-embed-text', input: ['one', 'two words'] },
  });
  const [row] = await rig.history(id);
  expect(row?.requests).toBe(1);
  expect(row?.promptTokens).toBeGreaterThan(0);
  expect(row?.completionTokens).toBe(0);
});

test('an admin sees another user, others only themselves', async () => {
  const [admin, basic] = [await rig.user('admin'), await rig.user('basic', 'someone')];
  await chat(basic.key, hello);
  const seen = await send(rig.url, '/admin/v1/usage?user=someone', { key: admin.key });
  expect((seen.json as Usage).gateways.openai?.today).toMatchObject({
    total_tokens: 20,
    remaining_tokens: 499_980,
  });
  expect((await send(rig.url, '/admin/v1/usage?user=nobody', { key: admin.key })).status).toBe(404);
  expect((await send(rig.url, `/admin/v1/usage?user=${admin.username}`, { key: basic.key })).status).toBe(
    403,
  );
  expect((await send(rig.url, '/admin/v1/usage?user=Someone', { key: basic.key })).status).toBe(200);
});
