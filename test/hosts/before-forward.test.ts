/** The host app's word on a request before Ollama hears of it. */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../src/core/errors.js';
import type { BeforeForward, Forward } from '../../src/core/hooks.js';
import { type Rig, send, startRig, until } from '../support/gateway.js';
import { appUsers, as, chat, hello } from './users.js';

let rig: Rig;
let hook: BeforeForward;
beforeAll(async () => {
  const limits = (hourly: object) => ({ ollama: hourly, openai: hourly });
  rig = await startRig({
    authenticate: appUsers,
    beforeForward: (forward) => hook(forward),
    config: {
      limits: {
        roles: {
          'hundred-tokens': limits({ token_limit_hourly: 100 }),
          one: limits({ request_limit_hourly: 1 }),
        },
      },
    },
  });
});
beforeEach(() => {
  hook = () => undefined;
  rig.simulator.requests.length = 0;
});
afterAll(() => rig.close());

interface Sent {
  model: string;
  stream?: boolean;
  messages: { role: string; content: string }[];
  options?: Record<string, unknown>;
}
const sent = () => rig.simulator.requests.map(({ body }) => body as Sent);
const count = { model: 'llama2', messages: [{ role: 'user', content: 'Count from 1 to 1000' }] };
const hour = async (id: string, role: string) =>
  (await rig.gateway.usage.current({ id, role })).gateways.openai?.current_hour;

test('is shown who asks for what, in the native form', async () => {
  const seen: Forward[] = [];
  hook = (forward) => void seen.push(forward);
  await chat(rig.url, as('ann'), { ...hello, model: 'gpt-4', temperature: 0.5 });
  expect(seen).toEqual([
    {
      identity: { id: 'app-ann', username: 'ann', role: 'basic' },
      gateway: 'openai',
      model: 'gpt-4',
      endpoint: '/api/chat',
      request: expect.objectContaining({ messages: hello.messages, options: { temperature: 0.5 } }),
    },
  ]);
});

test('what it changes is what Ollama gets', async () => {
  hook = async ({ request }) => {
    await Promise.resolve();
    request.options = { ...request.options, temperature: 0, num_ctx: 1024 };
    request.messages = [{ role: 'user', content: 'Hello!' }];
  };
  const reply = await chat(rig.url, as('ann'), { ...count, temperature: 1 });
  expect(reply.status).toBe(200);
  expect(sent()).toMatchObject([{ messages: hello.messages, options: { temperature: 0, num_ctx: 1024 } }]);
});

test("model and stream stay the gateway's, whatever is written there", async () => {
  hook = ({ request }) => {
    request.model = 'llama2:70b';
    request.stream = false;
  };
  expect((await chat(rig.url, as('ann'), { ...hello, stream: true })).text).toContain('[DONE]');
  expect(sent()).toMatchObject([{ model: 'llama2', stream: true }]);
});

test('a change is made once to each of several requests', async () => {
  hook = ({ request }) => {
    request.options = { ...request.options, seed: Number(request.options?.seed ?? 0) + 1 };
  };
  await send(rig.url, '/openai/v1/completions', {
    headers: as('ann'),
    body: { model: 'llama2', prompt: ['Hello!', 'Hello!'], max_tokens: 3, seed: 5 },
  });
  expect(sent().map(({ options }) => options?.seed)).toEqual([6, 6]);
});

test('digits that a double cannot hold survive it', async () => {
  hook = () => undefined;
  const raw =
    '{"model":"llama2","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"",' +
    '"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\\"n\\":9007199254740993}"}}]},' +
    '{"role":"tool","tool_call_id":"a","content":"1"}]}';
  let native = '';
  hook = ({ request }) => {
    native = JSON.stringify(request);
  };
  expect((await send(rig.url, '/openai/v1/chat/completions', { headers: as('ann'), body: raw })).status).toBe(
    200,
  );
  expect(native).toContain('9007199254740993');
});

test("it can lower the bound on output, and cannot lift it above the client's or the limit's", async () => {
  const bounds: unknown[] = [];
  const ask = async (role: string, wish: number, body: object) => {
    hook = ({ request }) => {
      request.options = { ...request.options, num_predict: wish };
    };
    await chat(rig.url, as(`bounds-${bounds.length}`, role), body);
    bounds.push(sent().at(-1)?.options?.num_predict);
  };
  await ask('basic', 5, { ...count, max_tokens: 20 });
  await ask('basic', 500, { ...count, max_tokens: 20 });
  await ask('basic', -1, { ...count, max_tokens: 20 });
  await ask('hundred-tokens', 100_000, count);
  await ask('admin', 7, count);
  expect(bounds.slice(0, 3)).toEqual([5, 20, 20]);
  expect(bounds[3]).toBeLessThan(100);
  expect(bounds[4]).toBe(7);
});

test("nor above the client's bound for each of several choices", async () => {
  for (const wish of [500, undefined]) {
    rig.simulator.requests.length = 0;
    hook = ({ request }) => {
      request.options = { ...request.options, num_predict: wish };
    };
    await chat(rig.url, as('choices'), { ...count, n: 2, max_tokens: 5 });
    expect(sent().map(({ options }) => options?.num_predict)).toEqual([5, 5]);
  }
});

test('a prompt that it makes longer has to fit into the limit', async () => {
  hook = ({ request }) => {
    request.messages = [
      { role: 'system', content: 'Be brief. '.repeat(40) },
      ...(request.messages as object[]),
    ];
  };
  const refused = await chat(rig.url, as('long', 'hundred-tokens'));
  expect(refused.status).toBe(429);
  expect(refused.json).toMatchObject({ error: { type: 'tokens' } });
  expect(sent()).toEqual([]);
  expect(await hour('app-long', 'hundred-tokens')).toMatchObject({
    total_requests: 0,
    remaining_tokens: 100,
  });

  const fits = await chat(rig.url, as('long', 'basic'));
  expect(fits.status).toBe(200);
  expect(await hour('app-long', 'basic')).toMatchObject({ total_requests: 1 });
});

test('a rejection is a 403 with its message, and uses up nothing', async () => {
  hook = () => {
    throw new Error('Not on a Sunday.');
  };
  const reply = await chat(rig.url, as('bob', 'one'));
  expect(reply.status).toBe(403);
  expect(reply.json).toMatchObject({ error: { message: 'Not on a Sunday.', code: 'forbidden' } });
  const ollama = await send(rig.url, '/ollama/api/chat', { headers: as('bob', 'one'), body: hello });
  expect(ollama).toMatchObject({ status: 403, json: { error: 'Not on a Sunday.' } });
  expect(sent()).toEqual([]);
  expect(await rig.history('app-bob')).toEqual([]);

  hook = () => undefined;
  expect((await chat(rig.url, as('bob', 'one'))).status).toBe(200);
});

test('a GatewayError is answered as it is', async () => {
  hook = () => {
    throw new GatewayError('upstream_busy', { message: 'Later.', headers: { 'retry-after': '5' } });
  };
  const reply = await chat(rig.url, as('ann'));
  expect(reply).toMatchObject({ status: 503, json: { error: { message: 'Later.' } } });
  expect(reply.headers['retry-after']).toBe('5');
});

test.each([
  ['a slip', () => (undefined as unknown as { x: { y: number } }).x.y],
  [
    'a failed connection',
    () =>
      Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:80'), { syscall: 'connect' })),
  ],
  ['a text', () => Promise.reject('no error at all')],
])('%s is a 500 that tells nothing, is logged, and uses up nothing', async (_, work) => {
  hook = async () => void (await work());
  const logged = () => rig.log.filter(({ msg }) => msg === 'bug').length;
  const before = logged();
  const reply = await chat(rig.url, as('carl', 'one'));
  expect(reply.status).toBe(500);
  expect(reply.text).not.toMatch(/ECONNREFUSED|undefined|no error/);
  expect(sent()).toEqual([]);
  expect(logged()).toBe(before + 1);
  expect(await rig.history('app-carl')).toEqual([]);
  expect(await hour('app-carl', 'one')).toMatchObject({ remaining_requests: 1 });
});

test('a client that leaves while it works gets its reservation back at once', async () => {
  let shown = () => {};
  const running = new Promise<void>((resolve) => {
    shown = resolve;
  });
  hook = () => {
    shown();
    return new Promise<void>(() => {});
  };
  const { hostname, port } = new URL(rig.url);
  const path = '/openai/v1/chat/completions';
  const req = httpRequest({ hostname, port, path, method: 'POST', headers: as('dora', 'one'), agent: false });
  req.end(JSON.stringify(hello));
  req.on('error', () => {});
  await running;
  expect(await hour('app-dora', 'one')).toMatchObject({ remaining_requests: 0 });
  req.destroy();
  await until(() => rig.log.some(({ user, error }) => user === 'app-dora' && error === 'client_gone'));
  expect(await hour('app-dora', 'one')).toMatchObject({ total_requests: 0, remaining_requests: 1 });
  expect(sent()).toEqual([]);
});

test('a request that only loads a model can be refused, not made to generate', async () => {
  const load = { model: 'llama2' };
  const ask = () => send(rig.url, '/ollama/api/generate', { headers: as('eve'), body: load });
  hook = ({ request }) => {
    request.prompt = 'Count from 1 to 1000';
  };
  expect((await ask()).json).toMatchObject({ done_reason: 'load' });
  hook = () => {
    throw new Error('Not now.');
  };
  expect((await ask()).status).toBe(403);
});

test('embeddings come by it too', async () => {
  const endpoints: string[] = [];
  hook = ({ endpoint, request }) => {
    endpoints.push(endpoint);
    request.input = ['another text'];
  };
  const body = { model: 'nomic-embed-text', input: 'a text' };
  expect((await send(rig.url, '/openai/v1/embeddings', { headers: as('ann'), body })).status).toBe(200);
  expect(endpoints).toEqual(['/api/embed']);
  expect(rig.simulator.requests[0]?.body).toMatchObject({ input: ['another text'] });
});
