import { expect, it, vi } from 'vitest';
import type { AuthInput } from '../../src/core/auth/endpoint.js';
import { type AuthEndpoints, createAuthEndpoints } from '../../src/core/auth/endpoints.js';
import { createPasswords } from '../../src/core/auth/passwords.js';
import { createThrottle } from '../../src/core/auth/throttle.js';
import { createUsers } from '../../src/core/auth/users.js';
import { type AuthConfig, checkConfig } from '../../src/core/config.js';
import type { Store } from '../../src/core/store/port.js';
import { addUser, bearer, failure, outcomes, PASSWORD, type Parts, partsOn, QUICK } from './parts.js';
import { describeStores } from './stores.js';

/** What the endpoints answered, as clients see it. */
type Body = Record<string, string>;
type Endpoint = keyof AuthEndpoints;

async function setUp(store: Store, auth: Partial<AuthConfig> = {}) {
  const parts = await partsOn(store);
  const log = { info: vi.fn(), warn: vi.fn() };
  const throttle = createThrottle({ store });
  const config = { ...checkConfig({}).auth, ...auth };
  const endpoints = createAuthEndpoints({ ...parts, throttle, config, log });
  const call = async (name: Endpoint, body?: unknown, more: Omit<AuthInput, 'body'> = {}) => {
    const { status, body: answer } = await endpoints[name]({ body, ip: '10.0.0.1', ...more });
    return { status, body: answer as Body };
  };
  const login = (username = 'ann', password = PASSWORD) => call('login', { username, password });
  return { ...parts, throttle, config, log, endpoints, call, login };
}

const whoIs = ({ authenticator }: Pick<Parts, 'authenticator'>, text: string | undefined) =>
  authenticator.authenticate(bearer(text ?? ''));

describeStores('the account endpoints', (open) => {
  it('register, log in, refresh and log out as the guide says', async () => {
    const parts = await setUp(await open());
    const { call, login } = parts;
    const registered = await call('register', { username: 'Ann', password: PASSWORD });
    expect(registered).toEqual({
      status: 201,
      body: {
        user_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        username: 'Ann',
        role: 'basic',
        refresh_token: expect.stringMatching(/^rt_/),
      },
    });
    const tokens = {
      access_token: expect.stringMatching(/^eyJ/),
      refresh_token: expect.stringMatching(/^rt_/),
      token_type: 'bearer',
      expires_in: 1_800,
    };
    expect(await call('token', { refresh_token: registered.body.refresh_token })).toEqual({
      status: 200,
      body: tokens,
    });
    const session = await login('ANN');
    expect(session).toEqual({ status: 200, body: tokens });
    const refreshed = await call('token', { refresh_token: session.body.refresh_token });
    expect(refreshed).toEqual({ status: 200, body: tokens });
    expect(refreshed.body.access_token).not.toBe(session.body.access_token);
    const identity = await whoIs(parts, refreshed.body.access_token);
    expect(identity).toMatchObject({ id: registered.body.user_id, username: 'Ann', role: 'basic' });

    const { refresh_token } = refreshed.body;
    expect(await call('logout', { refresh_token }, { identity })).toEqual({ status: 204, body: undefined });
    expect(await call('logout', { refresh_token }, { identity })).toEqual({ status: 204, body: undefined });
    expect(await failure(call('token', { refresh_token }))).toMatchObject({ kind: 'invalid_refresh_token' });
  });

  it('give a name to one of 200 concurrent registrations', async () => {
    const { call } = await setUp(await open());
    const calls = Array.from({ length: 200 }, () =>
      call('register', { username: 'ann', password: PASSWORD }),
    );
    expect(await outcomes(calls)).toEqual({ ok: 1, conflict: 199 });
  });

  it.each<[string, Endpoint, unknown, object]>([
    ['no body', 'register', undefined, { kind: 'missing_body' }],
    ['no body', 'login', undefined, { kind: 'missing_body' }],
    ['a list', 'login', [], { kind: 'invalid_type' }],
    ['a text', 'token', 'rt_', { kind: 'invalid_type' }],
    ['null', 'token', null, { kind: 'invalid_type' }],
    ['no name', 'register', { password: PASSWORD }, { kind: 'missing_field', param: 'username' }],
    ['no password', 'register', { username: 'ann' }, { kind: 'missing_field', param: 'password' }],
    [
      'a number as name',
      'register',
      { username: 1, password: PASSWORD },
      { kind: 'invalid_type', param: 'username' },
    ],
    [
      'null as password',
      'login',
      { username: 'ann', password: null },
      { kind: 'invalid_type', param: 'password' },
    ],
    [
      'an empty name',
      'login',
      { username: '', password: PASSWORD },
      { kind: 'invalid_value', param: 'username' },
    ],
    [
      'a short name',
      'register',
      { username: 'ab', password: PASSWORD },
      { kind: 'invalid_value', param: 'username' },
    ],
    [
      'a short password',
      'register',
      { username: 'ann', password: '1234567' },
      { kind: 'invalid_value', param: 'password' },
    ],
    [
      'a huge password',
      'login',
      { username: 'ann', password: 'x'.repeat(9_999) },
      { kind: 'invalid_value', param: 'password' },
    ],
    ['no token', 'token', {}, { kind: 'missing_field', param: 'refresh_token' }],
    ['a number as token', 'token', { refresh_token: 1 }, { kind: 'invalid_type', param: 'refresh_token' }],
  ])('name the field: %s at %s', async (_, endpoint, body, expected) => {
    const { call } = await setUp(await open());
    const error = await failure(call(endpoint, body));
    expect(error).toMatchObject({ status: 400, ...expected });
    expect(String(error)).not.toMatch(/undefined|1234567|zod/i);
  });

  it('say the same of an unknown user and a wrong password, after the same work', async () => {
    const parts = await setUp(await open());
    const verify = vi.fn(parts.passwords.verify);
    const endpoints = createAuthEndpoints({ ...parts, passwords: { ...parts.passwords, verify } });
    await addUser(parts);
    const errors = [];
    for (const username of ['ann', 'nobody', 'not a name!']) {
      errors.push(await failure(endpoints.login({ body: { username, password: 'wrong password' } })));
      expect(verify).toHaveBeenCalledOnce();
      verify.mockClear();
    }
    expect(errors.map((error) => JSON.stringify([error, String(error)]))).toEqual(
      Array(3).fill(JSON.stringify([errors[0], String(errors[0])])),
    );
    expect(errors[0]).toMatchObject({ kind: 'invalid_login', status: 401, param: null });
  });

  it('refuse the eleventh guess, and the right password after it, but no other user', async () => {
    const parts = await setUp(await open());
    await addUser(parts, 'ann');
    await addUser(parts, 'bea');
    const guesses = Array.from({ length: 12 }, () => parts.login('ann', 'wrong password'));
    expect(await outcomes(guesses)).toEqual({ invalid_login: 10, too_many_logins: 2 });
    const error = await failure(parts.login('ann'));
    expect(error).toMatchObject({ status: 429, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } });
    expect(await parts.login('bea')).toMatchObject({ status: 200 });
  });

  it('make a new hash at login where the configured strength is another', async () => {
    const store = await open();
    const parts = await setUp(store);
    await addUser(parts);
    const passwords = createPasswords({ ...QUICK, iterations: 2 });
    const users = createUsers({ store, passwords, roles: parts.roles });
    const endpoints = createAuthEndpoints({ ...parts, users, passwords });
    const before = await parts.login();
    await endpoints.login({ body: { username: 'ann', password: PASSWORD } });
    const hash = (await users.record('ann'))?.password_hash;
    expect(hash).toMatch(/t=2/);
    expect(await passwords.verify(hash, PASSWORD)).toBe(true);
    expect(await whoIs(parts, before.body.access_token)).toMatchObject({ username: 'Ann' });
  });

  it('let one of 200 concurrent uses of a refresh token through, and end its session', async () => {
    const parts = await setUp(await open());
    await addUser(parts);
    const { refresh_token } = (await parts.login()).body;
    const calls = Array.from({ length: 200 }, () => parts.call('token', { refresh_token }));
    expect(await outcomes(calls)).toEqual({ ok: 1, invalid_refresh_token: 199 });
    const [winner] = (await Promise.allSettled(calls)).filter((call) => call.status === 'fulfilled');
    const next = { refresh_token: winner?.value.body.refresh_token };
    expect(await failure(parts.call('token', next))).toMatchObject({ kind: 'invalid_refresh_token' });
  });

  it('give no access token that outlives a revocation of all tokens', async () => {
    const parts = await setUp(await open());
    await addUser(parts);
    const { refresh_token } = (await parts.login()).body;
    const endpoints = createAuthEndpoints({
      ...parts,
      accessTokens: {
        ...parts.accessTokens,
        async issue(user) {
          await parts.users.revokeTokens('ann');
          return parts.accessTokens.issue(user);
        },
      },
    });
    const late = (await endpoints.token({ body: { refresh_token } })).body as Body;
    expect(await failure(whoIs(parts, late.access_token))).toMatchObject({ kind: 'invalid_token' });
    expect(await failure(parts.call('token', late))).toMatchObject({ kind: 'invalid_refresh_token' });
  });

  it("end nobody else's session", async () => {
    const parts = await setUp(await open());
    const [ann, bea] = [await addUser(parts, 'ann'), await addUser(parts, 'bea')];
    const refresh_token = await parts.sessions.create(ann);
    expect(await parts.call('logout', { refresh_token }, { identity: bea })).toMatchObject({ status: 204 });
    expect(await parts.call('token', { refresh_token })).toMatchObject({ status: 200 });
    expect(await failure(parts.call('logout', { refresh_token }))).toMatchObject({ kind: 'no_key' });
  });

  it('make, list and revoke API keys', async () => {
    const parts = await setUp(await open());
    const { call } = parts;
    const identity = await addUser(parts);
    const plain = await call('createKey', undefined, { identity });
    expect(plain).toEqual({
      status: 201,
      body: {
        id: expect.any(String),
        key: expect.stringMatching(/^pk_live_/),
        name: null,
        created_at: expect.any(String),
      },
    });
    const named = await call('createKey', { name: 'laptop' }, { identity });
    expect(await whoIs(parts, named.body.key)).toMatchObject({ id: identity.id });
    const { key: _, ...entry } = named.body;
    const { body } = await parts.endpoints.listKeys({ body: undefined, identity });
    expect(body).toEqual({
      keys: expect.arrayContaining([entry, expect.objectContaining({ id: plain.body.id })]),
    });
    expect(Object.keys(entry).sort()).toEqual(['created_at', 'id', 'name']);

    const bea = await addUser(parts, 'bea');
    const remove = (owner: typeof bea, id = '') =>
      call('deleteKey', undefined, { identity: owner, params: { id } });
    expect(await failure(remove(bea, entry.id))).toMatchObject({ kind: 'not_found', status: 404 });
    expect(await remove(identity, entry.id)).toEqual({ status: 204, body: undefined });
    expect(await failure(remove(identity, entry.id))).toMatchObject({ status: 404 });
    expect(await failure(remove(identity))).toMatchObject({ status: 404 });
    expect(await failure(call('createKey', { name: 7 }, { identity }))).toMatchObject({ param: 'name' });
    expect(await failure(call('listKeys'))).toMatchObject({ kind: 'no_key', status: 401 });
    const host = { id: 'a user of the host app', role: 'basic' };
    expect(await failure(call('createKey', {}, { identity: host }))).toMatchObject({ status: 403 });
  });

  it('keep registration closed where it is', async () => {
    const { call, users } = await setUp(await open(), { registration: 'closed' });
    const error = await failure(call('register', { username: 'ann', password: PASSWORD }));
    expect(error).toMatchObject({ kind: 'registration_closed', status: 403 });
    expect(await users.get('ann')).toBeUndefined();
  });

  it('let those in who have an invitation, and count who guesses', async () => {
    const { call } = await setUp(await open(), { registration: 'invite', invitations: ['first', 'second'] });
    const register = (invitation?: string) =>
      call('register', { username: 'ann', password: PASSWORD, invitation });
    expect(await failure(register())).toMatchObject({ kind: 'missing_field', param: 'invitation' });
    expect(await failure(register('third'))).toMatchObject({
      kind: 'registration_closed',
      param: 'invitation',
    });
    expect(await register('second')).toMatchObject({ status: 201 });
    for (let n = 0; n < 99; n += 1) await failure(register('third'));
    expect(await failure(register('first'))).toMatchObject({ kind: 'too_many_logins' });
  });

  it('log what happens without names, passwords, keys or tokens', async () => {
    const parts = await setUp(await open());
    const { call, login, log } = parts;
    const registered = await call('register', { username: 'ann-of-green-gables', password: PASSWORD });
    await failure(login('ann-of-green-gables', 'wrong password'));
    const { refresh_token, access_token } = (await login('ann-of-green-gables')).body;
    const identity = await whoIs(parts, access_token);
    const { key, id } = (await call('createKey', { name: 'laptop' }, { identity })).body;
    await call('deleteKey', undefined, { identity, params: { id } });
    await call('token', { refresh_token });
    await failure(call('token', { refresh_token }));
    await call('logout', { refresh_token: registered.body.refresh_token }, { identity });
    const lines = [...log.info.mock.calls, ...log.warn.mock.calls];
    const events = lines.map(([{ event }]) => event);
    expect(new Set(events)).toEqual(
      new Set([
        'registered',
        'login',
        'key_created',
        'key_revoked',
        'logout',
        'login_failed',
        'refresh_failed',
      ]),
    );
    for (const secret of ['green', PASSWORD, 'wrong password', key, refresh_token, access_token]) {
      expect(JSON.stringify(lines)).not.toContain(secret);
    }
  });
});
