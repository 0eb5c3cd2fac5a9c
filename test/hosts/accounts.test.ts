/** Users of the host app alone, ours alone, or both. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGateway } from '../../src/core/gateway.js';
import { type Rig, send, startRig } from '../support/gateway.js';
import { appUsers, as, chat } from './users.js';

const ACCOUNT_PATHS = [
  '/auth/register',
  '/auth/login',
  '/auth/token',
  '/auth/logout',
  '/auth/keys',
  '/auth/keys/x',
];
const account = { username: 'newcomer', password: 'a-good-password' };

describe('with a sign-in of the app, and nothing said of accounts', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({ authenticate: appUsers });
  });
  afterAll(() => rig.close());

  test("the app's users are let in, and nobody else", async () => {
    expect((await chat(rig.url, as('ann'))).status).toBe(200);
    const { key } = await rig.user();
    const refused = await chat(rig.url, { authorization: `Bearer ${key}` });
    expect(refused.status).toBe(401);
    expect(refused.json).toMatchObject({ error: { message: 'You are not signed in.' } });
    const native = await send(rig.url, '/ollama/api/tags');
    expect(native).toMatchObject({ status: 401, json: { error: 'You are not signed in.' } });
  });

  test.each(ACCOUNT_PATHS)("%s is the app's own", async (url) => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(await rig.gateway.handle({ method, url, headers: {}, body: '{}', operations: true })).toBeNull();
    }
  });

  test('nothing is signed: no secret is made or claimed, so that processes need not share one', async () => {
    expect(rig.gateway.notices.join()).not.toContain('secret');
    expect(await rig.store.get('settings', 'jwt_secret')).toBeUndefined();
  });

  test('a role that does not exist is refused by name', async () => {
    const refused = await chat(rig.url, as('ann', 'superuser'));
    expect(refused).toMatchObject({
      status: 403,
      json: { error: { message: expect.stringContaining('superuser') } },
    });
  });
});

describe('with both', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({ authenticate: appUsers, accounts: true });
  });
  afterAll(() => rig.close());

  test("the app's users come first, then keys and tokens of ours", async () => {
    const { key, id } = await rig.user();
    const bearer = { authorization: `Bearer ${key}` };
    expect((await chat(rig.url, bearer)).status).toBe(200);
    expect((await chat(rig.url, { ...bearer, ...as('ann') })).status).toBe(200);
    expect(await rig.history(id)).toMatchObject([{ requests: 1 }]);
    expect(await rig.history('app-ann')).toMatchObject([{ requests: 1 }]);
    expect((await chat(rig.url, {})).json).toMatchObject({
      error: { message: expect.stringContaining("didn't provide an API key") },
    });
  });

  test('registration and login are answered', async () => {
    expect((await send(rig.url, '/auth/register', { body: account })).status).toBe(201);
    const { json } = await send(rig.url, '/auth/login', { body: account });
    const { access_token } = json as { access_token: string };
    expect((await chat(rig.url, { authorization: `Bearer ${access_token}` })).status).toBe(200);
  });
});

test('accounts alone are what there is where nothing is said', async () => {
  const rig = await startRig();
  try {
    expect((await send(rig.url, '/auth/register', { body: account })).status).toBe(201);
    expect((await chat(rig.url, as('ann'))).status).toBe(401);
  } finally {
    await rig.close();
  }
});

test('a gateway that nobody could sign in to is a wrong option', async () => {
  await expect(createGateway({ store: 'memory:', config: {}, accounts: false })).rejects.toThrow(
    'createGateway: accounts: is false, so that nobody could sign in; expected authenticate beside it',
  );
});

test('a sign-in that fails is a 500 that tells nothing, not a wrong key or an absent model server', async () => {
  const failure = Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:5432'), { syscall: 'connect' });
  const rig = await startRig({ authenticate: () => Promise.reject(failure) });
  try {
    const reply = await chat(rig.url, as('ann'));
    expect(reply.status).toBe(500);
    expect(reply.text).not.toContain('ECONNREFUSED');
    expect(rig.log.find(({ msg }) => msg === 'bug')).toMatchObject({ err: { cause: failure } });
  } finally {
    await rig.close();
  }
});
