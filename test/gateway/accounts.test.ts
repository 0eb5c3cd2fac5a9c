/** Accounts, keys and tokens over HTTP, with the fields of the guide; and how soon they are void. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAILURES_PER_NAME } from '../../src/core/auth/throttle.js';
import type { Identity } from '../../src/core/contract.js';
import { type Reply, type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());

const PASSWORD = 'securepass123';
const CHAT = '/openai/v1/chat/completions';
const HELLO = { model: 'gpt-4', messages: [{ role: 'user', content: 'Hello!' }] };
type Body = Record<string, string>;

let named = 0;
const newName = () => {
  named += 1;
  return `person-${named}`;
};
const post = (path: string, body: unknown, key?: string) => send(rig.url, path, { key, body });
const login = (username: string, password = PASSWORD) => post('/auth/login', { username, password });
const models = async (key = '') => (await send(rig.url, '/openai/v1/models', { key })).status;

async function registered() {
  const username = newName();
  const { json } = await post('/auth/register', { username, password: PASSWORD });
  return { username, ...(json as { user_id: string; refresh_token: string }) };
}

async function loggedIn() {
  const user = await registered();
  const tokens = (await login(user.username)).json as { access_token: string; refresh_token: string };
  return { ...user, ...tokens };
}

const TOKENS = {
  access_token: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/),
  refresh_token: expect.stringMatching(/^rt_\w+$/),
  token_type: 'bearer',
  expires_in: 1_800,
};

function expectSecret(reply: Reply, status: number, body: object): void {
  expect(reply.status).toBe(status);
  expect(reply.json).toEqual(body);
  expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(reply.headers['cache-control']).toBe('no-store');
}

describe('the endpoints of the guide', () => {
  test('register, log in, refresh, use, log out', async () => {
    const username = newName();
    const body = { username, password: PASSWORD };
    const account = await post('/auth/register', body);
    const user_id = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const { refresh_token } = TOKENS;
    expectSecret(account, 201, { user_id, username, role: 'basic', refresh_token });
    expectSecret(
      await post('/auth/token', { refresh_token: (account.json as Body).refresh_token }),
      200,
      TOKENS,
    );

    const session = await login(username.toUpperCase());
    expectSecret(session, 200, TOKENS);
    const refreshed = await post('/auth/token', { refresh_token: (session.json as Body).refresh_token });
    expectSecret(refreshed, 200, TOKENS);
    const tokens = refreshed.json as Body;
    expect((await post(CHAT, HELLO, tokens.access_token)).status).toBe(200);
    expect((await send(rig.url, '/ollama/v1/models', { key: tokens.access_token })).status).toBe(200);

    const out = await post('/auth/logout', { refresh_token: tokens.refresh_token }, tokens.access_token);
    expect([out.status, out.text]).toEqual([204, '']);
    const again = await post('/auth/token', { refresh_token: tokens.refresh_token });
    expect(again).toMatchObject({ status: 401, json: { error: { code: 'invalid_refresh_token' } } });
  });

  test('a refresh token that is used twice ends its session', async () => {
    const { refresh_token } = await loggedIn();
    const next = (await post('/auth/token', { refresh_token })).json as Body;
    expect((await post('/auth/token', { refresh_token })).status).toBe(401);
    expect((await post('/auth/token', { refresh_token: next.refresh_token })).status).toBe(401);
  });

  test('one of many concurrent refreshes wins', async () => {
    const { refresh_token } = await loggedIn();
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => post('/auth/token', { refresh_token })),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 401)).toHaveLength(9);
  });

  test.each<[path: string, body: object, param: string]>([
    ['/auth/register', { password: PASSWORD }, 'username'],
    ['/auth/register', { username: 'someone' }, 'password'],
    ['/auth/register', { username: 'ab', password: PASSWORD }, 'username'],
    ['/auth/register', { username: 'with space', password: PASSWORD }, 'username'],
    ['/auth/register', { username: 'x'.repeat(65), password: PASSWORD }, 'username'],
    ['/auth/register', { username: 'someone', password: '1234567' }, 'password'],
    ['/auth/register', { username: 'someone', password: 'x'.repeat(257) }, 'password'],
    ['/auth/register', { username: 7, password: PASSWORD }, 'username'],
    ['/auth/login', { username: 'someone' }, 'password'],
    ['/auth/token', {}, 'refresh_token'],
  ])('%s with %j is 400 and names the field', async (path, body, param) => {
    const reply = await post(path, body);
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({ error: { type: 'invalid_request_error', param } });
    expect(reply.text).not.toContain(PASSWORD);
  });

  test('a taken name is 409, in any case', async () => {
    const { username } = await registered();
    const taken = await post('/auth/register', { username: username.toUpperCase(), password: PASSWORD });
    expect(taken).toMatchObject({ status: 409, json: { error: { code: 'conflict', param: 'username' } } });
  });

  test('an unknown user and a wrong password are told the same', async () => {
    const { username } = await registered();
    const [unknown, wrong] = [await login('nobody-at-all'), await login(username, 'wrong-password')];
    expect(unknown.status).toBe(401);
    expect(unknown.json).toMatchObject({ error: { code: 'invalid_credentials' } });
    expect(wrong.text).toBe(unknown.text);
  });

  test('registration can be closed, or by invitation', async () => {
    const body = { username: 'someone', password: PASSWORD };
    const closed = await startRig({ config: { auth: { registration: 'closed' } } });
    expect(await send(closed.url, '/auth/register', { body })).toMatchObject({
      status: 403,
      json: { error: { code: 'registration_closed' } },
    });
    await closed.close();
    const invited = await startRig({
      config: { auth: { registration: 'invite', invitations: ['come in'] } },
    });
    const register = async (invitation?: string) =>
      (await send(invited.url, '/auth/register', { body: { ...body, invitation } })).status;
    expect(await register()).toBe(400);
    expect(await register('let me in')).toBe(403);
    expect(await register('come in')).toBe(201);
    await invited.close();
  });
});

describe('API keys', () => {
  test('are made, listed without their secret, used and deleted', async () => {
    const { access_token } = await loggedIn();
    const made = await post('/auth/keys', { name: 'laptop' }, access_token);
    const { id, key } = made.json as { id: string; key: string };
    expectSecret(made, 201, { id, name: 'laptop', created_at: expect.any(String), key });
    expect(key).toMatch(/^pk_live_\w+$/);
    expect((await send(rig.url, '/auth/keys', { method: 'POST', key })).json).toMatchObject({ name: null });

    const list = await send(rig.url, '/auth/keys', { key });
    const { keys } = list.json as { keys: Body[] };
    expect(keys.map((one) => Object.keys(one))).toEqual(Array(2).fill(['id', 'name', 'created_at']));
    expect(list.text).not.toContain(key);

    expect((await post(CHAT, HELLO, key)).status).toBe(200);
    const gone = await send(rig.url, `/auth/keys/${id}`, { method: 'DELETE', key: access_token });
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect((await send(rig.url, `/auth/keys/${id}`, { method: 'DELETE', key: access_token })).status).toBe(
      404,
    );
  });

  test("another user's key is 404", async () => {
    const [one, two] = [await loggedIn(), await rig.user()];
    const { id } = (await post('/auth/keys', {}, two.key)).json as { id: string };
    const reply = await send(rig.url, `/auth/keys/${id}`, { method: 'DELETE', key: one.access_token });
    expect(reply.status).toBe(404);
    const { keys } = (await send(rig.url, '/auth/keys', { key: two.key })).json as { keys: unknown[] };
    expect(keys).toHaveLength(2);
  });
});

describe('within a second', () => {
  /** A second in which it is used all the time, so that whatever remembers it has every chance to. */
  async function aSecondOfUse(key: string): Promise<void> {
    const end = performance.now() + 1_000;
    while (performance.now() < end) {
      await models(key);
      await sleep(20);
    }
  }

  test.each<
    [what: string, revoke: (user: { username: string; key: string; id: string }) => Promise<unknown>]
  >([
    [
      'a key that its owner deletes is void',
      async ({ key }) => {
        const { keys } = (await send(rig.url, '/auth/keys', { key })).json as { keys: { id: string }[] };
        return send(rig.url, `/auth/keys/${keys[0]?.id}`, { method: 'DELETE', key });
      },
    ],
    [
      'a key that an operator revokes is void',
      async ({ username }) => {
        const [key] = await rig.gateway.keys.list((await rig.gateway.users.get(username))!);
        return rig.gateway.keys.revoke(key!.id);
      },
    ],
    ['a user that is deleted has no key any more', ({ username }) => rig.gateway.users.delete(username)],
  ])('%s', async (_what, revoke) => {
    const user = await rig.user();
    expect(await models(user.key)).toBe(200);
    await revoke(user);
    await aSecondOfUse(user.key);
    expect(await models(user.key)).toBe(401);
  });

  test('revoked tokens are void, and keys stay', async () => {
    const { username, access_token, refresh_token } = await loggedIn();
    const { key } = (await post('/auth/keys', {}, access_token)).json as { key: string };
    await rig.gateway.users.revokeTokens(username);
    await aSecondOfUse(access_token);
    const refused = await send(rig.url, '/openai/v1/models', { key: access_token });
    expect(refused).toMatchObject({ status: 401, json: { error: { code: 'invalid_token' } } });
    expect((await post('/auth/token', { refresh_token })).status).toBe(401);
    expect(await models(key)).toBe(200);
    expect((await login(username)).status).toBe(200);
  });

  test('a new role holds, for keys and tokens that there are', async () => {
    const { username, access_token } = await loggedIn();
    const pull = async () => (await post('/ollama/api/pull', { model: 'mistral' }, access_token)).status;
    expect(await pull()).toBe(403);
    await rig.gateway.users.setRole(username, 'admin');
    await aSecondOfUse(access_token);
    expect(await pull()).toBe(200);
    await rig.gateway.users.setRole(username, 'basic');
    await aSecondOfUse(access_token);
    expect(await pull()).toBe(403);
  });

  test('a name that is taken anew does not bring old keys back', async () => {
    const { username, key } = await rig.user();
    await rig.gateway.users.delete(username);
    await rig.gateway.users.create({ username, password: PASSWORD, role: 'basic' });
    await aSecondOfUse(key);
    expect(await models(key)).toBe(401);
  });
});

test('failed logins are bounded by name, the right password included; other names go on', async () => {
  const [one, two] = [await registered(), await registered()];
  for (let i = 0; i < FAILURES_PER_NAME; i += 1) {
    expect((await login(one.username, 'wrong-password')).status).toBe(401);
  }
  const refused = await login(one.username.toUpperCase());
  expect(refused).toMatchObject({ status: 429, json: { error: { code: 'too_many_attempts' } } });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect((await login(two.username)).status).toBe(200);
});

describe("the host app's own users", () => {
  const find = (name: unknown): Identity | undefined =>
    name === 'ann' ? { id: 'app-7', username: 'ann', role: 'premium' } : undefined;

  test.each<[string, (name: unknown) => Identity | undefined | Promise<Identity | undefined>]>([
    ['at once', find],
    ['later', async (name) => find(name)],
  ])('are known %s, and carry quotas', async (_when, known) => {
    const app = await startRig({ authenticate: ({ headers }) => known(headers['x-user']) });
    const ask = (name: string) => send(app.url, CHAT, { headers: { 'x-user': name }, body: HELLO });
    const answer = await ask('ann');
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ratelimit-limit-requests']).toBe('5000');
    expect(await app.history('app-7')).toMatchObject([{ requests: 1 }]);
    expect((await ask('bob')).status).toBe(401);
    const native = await send(app.url, '/ollama/api/tags', { headers: { 'x-user': 'bob' } });
    expect(native).toMatchObject({ status: 401, json: { error: expect.any(String) } });
    await app.close();
  });

  test('whose lookup fails are told 500 without a word of why', async () => {
    const app = await startRig({
      authenticate: () => {
        throw new Error('secret: database at 10.0.0.7');
      },
    });
    const reply = await send(app.url, CHAT, { body: HELLO });
    expect(reply).toMatchObject({ status: 500, json: { error: { type: 'server_error' } } });
    expect(reply.text).not.toMatch(/secret|10\.0/);
    await app.close();
  });
});
