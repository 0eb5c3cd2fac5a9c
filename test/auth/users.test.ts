import { expect, it } from 'vitest';
import { createUsers } from '../../src/core/auth/users.js';
import { addUser, bearer, failure, outcomes, PASSWORD, partsOn } from './parts.js';
import { describeStores } from './stores.js';

describeStores('users', (open) => {
  it('creates a user without showing the hash', async () => {
    const { users } = await partsOn(await open());
    const user = await users.create({ username: 'Ann', password: PASSWORD, role: 'premium' });
    expect(user).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      username: 'Ann',
      role: 'premium',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      limits: {},
    });
    expect(await users.get('aNN')).toEqual(user);
    expect(await users.find(user.id)).toEqual(user);
    expect((await users.record('ann'))?.password_hash).toMatch(/^\$argon2id\$/);
  });

  it('gives a name to one of 200 concurrent registrations, whatever its case', async () => {
    const { users } = await partsOn(await open());
    const calls = Array.from({ length: 200 }, (_, n) =>
      users.create({ username: n % 2 ? 'ann' : 'ANN', password: PASSWORD, role: 'basic' }),
    );
    expect(await outcomes(calls)).toEqual({ ok: 1, conflict: 199 });
    const listed = [];
    for await (const user of users.list()) listed.push(user.username.toLowerCase());
    expect(listed).toEqual(['ann']);
  });

  it.each([
    ['a short name', { username: 'ab' }, 'username'],
    ['a long name', { username: 'a'.repeat(65) }, 'username'],
    ['a name with a space', { username: 'a b c' }, 'username'],
    ['a name that is ASCII only when lower-cased', { username: '\u212Aelvin' }, 'username'],
    ['a name with a line feed', { username: 'ann\n' }, 'username'],
    ['a short password', { password: '1234567' }, 'password'],
    ['a short password of long characters', { password: '😀'.repeat(7) }, 'password'],
    ['a long password', { password: 'a'.repeat(257) }, 'password'],
    ['an unknown role', { role: 'root' }, 'role'],
    ['an unknown role of a known name', { role: 'constructor' }, 'role'],
    [
      'a negative limit',
      { limits: { ollama: { token_limit_daily: -1 } } },
      'limits.ollama.token_limit_daily',
    ],
    [
      'half a request',
      { limits: { openai: { request_limit_daily: 0.5 } } },
      'limits.openai.request_limit_daily',
    ],
    ['an unknown limit', { limits: { openai: { tokens: 1 } } }, 'limits.openai.tokens'],
    ['an unknown gateway', { limits: { gemini: {} } }, 'limits.gemini'],
  ])('refuses %s', async (_, fields: object, param) => {
    const { users } = await partsOn(await open());
    const error = await failure(
      users.create({ username: 'ann', password: PASSWORD, role: 'basic', ...fields }),
    );
    expect(error).toMatchObject({ kind: 'invalid_value', param });
    expect(String(error)).not.toContain('1234567');
    expect(await users.get('ann')).toBeUndefined();
  });

  it('names the roles there are where one is unknown', async () => {
    const { users } = await partsOn(await open());
    await addUser({ users });
    await expect(users.setRole('ann', 'root')).rejects.toThrow(
      'Unknown role "root". Roles: admin, premium, basic.',
    );
  });

  it('takes names and passwords of the longest and shortest length', async () => {
    const { users } = await partsOn(await open());
    await users.create({ username: 'a.b', password: '😀'.repeat(8), role: 'basic' });
    await users.create({ username: `${'a'.repeat(62)}_-`, password: '😀'.repeat(256), role: 'basic' });
    expect(await users.get('A.B')).toBeDefined();
  });

  it('lists users by name, of all roles and of one', async () => {
    const { users } = await partsOn(await open());
    await addUser({ users }, 'carl', 'premium');
    await addUser({ users }, 'Bea', 'basic');
    await addUser({ users }, 'ann', 'basic');
    await users.setRole('bea', 'premium');
    const names = async (role?: string) => {
      const found = [];
      for await (const user of users.list({ role })) found.push(user.username);
      return found;
    };
    expect(await names()).toEqual(['ann', 'Bea', 'carl']);
    expect(await names('premium')).toEqual(['Bea', 'carl']);
    expect(await names('basic')).toEqual(['ann']);
    expect(await names('admin')).toEqual([]);
  });

  it('changes the limits given and leaves the others', async () => {
    const { users } = await partsOn(await open());
    await addUser({ users });
    await users.setLimits('ann', { ollama: { token_limit_daily: 5, token_limit_hourly: null } });
    await users.setLimits('ann', { openai: { request_limit_daily: 1 } });
    const user = await users.setLimits('ann', {
      ollama: { token_limit_daily: 0, request_limit_hourly: undefined },
    });
    expect(user.limits).toStrictEqual({
      ollama: { token_limit_daily: 0, token_limit_hourly: null },
      openai: { request_limit_daily: 1 },
    });
    expect(await users.get('ann')).toEqual(user);
    expect((await users.resetLimits('ann', 'ollama')).limits).toStrictEqual({
      openai: { request_limit_daily: 1 },
    });
    expect((await users.resetLimits('ann')).limits).toStrictEqual({});
  });

  it('loses no change of many concurrent ones', async () => {
    const { users } = await partsOn(await open());
    await addUser({ users });
    await Promise.all([
      ...Array.from({ length: 20 }, () => users.revokeTokens('ann')),
      users.setRole('ann', 'premium'),
      users.setLimits('ann', { ollama: { token_limit_daily: 5 } }),
      users.setLimits('ann', { openai: { token_limit_daily: 6 } }),
    ]);
    expect(await users.record('ann')).toMatchObject({
      generation: 21,
      role: 'premium',
      limits: { ollama: { token_limit_daily: 5 }, openai: { token_limit_daily: 6 } },
    });
  });

  it('starts anew where the user was changed between its read and its write', async () => {
    const store = await open();
    const parts = await partsOn(store);
    await addUser(parts);
    let disturbed = false;
    const get: typeof store.get = async (table, id) => {
      const row = await store.get<never>(table, id);
      if (!disturbed) {
        disturbed = true;
        await parts.users.setLimits('ann', { ollama: { token_limit_daily: 5 } });
      }
      return row;
    };
    const slow = createUsers({ ...parts, store: { ...store, get } });
    const changed = { role: 'premium', limits: { ollama: { token_limit_daily: 5 } } };
    expect(await slow.setRole('ann', 'premium')).toMatchObject(changed);
    expect(await parts.users.get('ann')).toMatchObject(changed);
  });

  it('says so where there is no such user', async () => {
    const { users } = await partsOn(await open());
    const missing = { kind: 'not_found', param: 'username', message: 'There is no user "nobody".' };
    expect(await failure(users.setRole('nobody', 'basic'))).toMatchObject(missing);
    expect(await failure(users.setLimits('nobody', {}))).toMatchObject(missing);
    expect(await failure(users.resetLimits('nobody'))).toMatchObject(missing);
    expect(await failure(users.delete('nobody'))).toMatchObject(missing);
    expect(await users.get('no/body')).toBeUndefined();
    expect(await users.find('nobody')).toBeUndefined();
  });

  it('deletes a user with keys and sessions, and nobody else', async () => {
    const parts = await partsOn(await open());
    const ann = await addUser(parts, 'ann');
    const bea = await addUser(parts, 'bea');
    for (const user of [ann, ann, bea]) {
      await parts.apiKeys.generate(user);
      await parts.sessions.create(user);
    }
    await parts.users.delete('ANN');
    expect(await parts.users.get('ann')).toBeUndefined();
    const owners = async (table: 'keys' | 'sessions') =>
      (await parts.store.list<{ userId: string }>(table, { limit: 10 })).map(({ value }) => value.userId);
    expect(await owners('keys')).toEqual([bea.id]);
    expect(await owners('sessions')).toEqual([bea.id]);
  });

  it('voids keys and tokens even if the deletion stops half-way, and for the next user of that name', async () => {
    const store = await open();
    const parts = await partsOn(store);
    const ann = await addUser(parts, 'ann');
    const { key } = await parts.apiKeys.generate(ann);
    const access = await parts.accessTokens.issue(ann);
    const refresh = await parts.sessions.create(ann);
    const broken = createUsers({
      ...parts,
      store: {
        ...store,
        list: async () => {
          throw new Error('gone');
        },
      },
    });
    await expect(broken.delete('ann')).rejects.toThrow('gone');
    for (const again of [false, true]) {
      if (again) await addUser(parts, 'ann');
      for (const text of [key, access]) {
        expect(await failure(parts.authenticator.authenticate(bearer(text)))).toMatchObject({ status: 401 });
      }
      expect(await failure(parts.sessions.rotate(refresh))).toMatchObject({ kind: 'invalid_refresh_token' });
    }
  });

  it('replaces the hash of a password, unless it is another by now', async () => {
    const { users, passwords } = await partsOn(await open());
    const before = await addUser({ users });
    await users.rehash(before, 'another password');
    const after = await users.record('ann');
    expect(await passwords.verify(after?.password_hash, 'another password')).toBe(true);
    await users.rehash(before, PASSWORD);
    expect((await users.record('ann'))?.password_hash).toBe(after?.password_hash);
    await users.delete('ann');
    await users.rehash(before, PASSWORD);
    expect(await users.get('ann')).toBeUndefined();
  });
});
