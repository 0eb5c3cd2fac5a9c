import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { REMEMBER } from '../../src/core/auth/authenticator.js';
import { makeCredential } from '../../src/core/auth/credential.js';
import { loadSecrets } from '../../src/core/auth/secret.js';
import { StoreUnavailable } from '../../src/core/store/port.js';
import { sqlite } from '../../src/core/store/sqlite.js';
import { addUser, bearer, failure, type Parts, partsOn } from './parts.js';
import { cleanUp, counted, describeStores } from './stores.js';

describeStores('the authenticator', (open) => {
  it('knows the owner of a key and of a token', async () => {
    const parts = await partsOn(await open());
    const ann = await addUser(parts, 'Ann', 'premium');
    const { key, id: keyId } = await parts.apiKeys.generate(ann);
    const expected = { id: ann.id, username: 'Ann', role: 'premium', limits: ann.limits };
    const { authenticate } = parts.authenticator;
    const byKey = { ...expected, proof: { keyId, userId: ann.id, username: 'ann' } };
    expect(await authenticate(bearer(key))).toEqual(byKey);
    expect(await authenticate({ authorization: `bEaReR   ${key}  ` })).toEqual(byKey);
    const token = await parts.accessTokens.issue(ann);
    expect(await authenticate(bearer(token))).toMatchObject({
      ...expected,
      proof: { userId: ann.id, username: 'ann', generation: 1 },
    });
  });

  it.each([[undefined], [''], ['Bearer'], ['Bearer  '], ['Basic YW5uOnNlY3JldA=='], ['YW5uOnNlY3JldA==']])(
    'asks for a key at %j',
    async (authorization) => {
      const { authenticator } = await partsOn(await open());
      expect(await failure(authenticator.authenticate({ authorization }))).toMatchObject({
        kind: 'no_key',
        headers: { 'www-authenticate': 'Bearer' },
      });
    },
  );

  it.each([
    ['sk-0123456789abcdefghijklmnopqrstuvwxyz', 'Incorrect API key provided: sk-0****wxyz.'],
    ['hunter2', 'Incorrect API key provided: ****.'],
    ['a b', 'Incorrect API key provided: ****.'],
    ['a.b.c.d', 'Incorrect API key provided: ****.'],
    [`${'x'.repeat(30)}\n\u0000\u00fc\u007f`, 'Incorrect API key provided: xxxx****????.'],
  ])('refuses %j and shows little of it', async (text, message) => {
    const { authenticator } = await partsOn(await open());
    const error = await failure(authenticator.authenticate(bearer(text)));
    expect(error).toMatchObject({ kind: 'invalid_key', status: 401, message });
  });

  it('refuses a refresh token and says what it is for', async () => {
    const parts = await partsOn(await open());
    const token = await parts.sessions.create(await addUser(parts));
    const error = await failure(parts.authenticator.authenticate(bearer(token)));
    expect(error).toMatchObject({ kind: 'invalid_token', message: expect.stringContaining('/auth/token') });
    expect(String(error)).not.toContain(token.slice(-20));
  });

  it('refuses keys of nobody, and tells tokens from keys', async () => {
    const parts = await partsOn(await open());
    const kind = async (text: string) => failure(parts.authenticator.authenticate(bearer(text)));
    expect(await kind(makeCredential('pk_live_').text)).toMatchObject({ kind: 'invalid_key' });
    expect(await kind(makeCredential('our.key.').text)).toMatchObject({ kind: 'invalid_key' });
    expect(await kind('a.b.c')).toMatchObject({ kind: 'invalid_token' });
    const expired = await partsOn(parts.store, { now: () => Date.now() - 3_600_000 });
    const old = await expired.accessTokens.issue({ id: '1', username: 'ann', generation: 1 });
    const same = await partsOn(parts.store, { secrets: await loadSecrets({ beside: undefined }) });
    expect(await failure(same.authenticator.authenticate(bearer(old)))).toMatchObject({
      kind: 'invalid_token',
    });
  });

  it('reads key and user once for many requests of a moment', async () => {
    let clock = 5_000;
    const store = await open();
    const ann = await addUser(await partsOn(store));
    const { store: watched, reads } = counted(store);
    const parts = await partsOn(watched, { clock: () => clock });
    const { key } = await parts.apiKeys.generate(ann);
    const request = () => parts.authenticator.authenticate(bearer(key));
    await Promise.all(Array.from({ length: 50 }, request));
    clock += REMEMBER;
    await request();
    expect(reads()).toBe(2);
    clock += 1;
    await request();
    expect(reads()).toBe(4);
  });

  it('costs a wrong key one read, and no more than that', async () => {
    const { store, reads } = counted(await open());
    const parts = await partsOn(store);
    await failure(parts.authenticator.authenticate(bearer(makeCredential('pk_live_').text)));
    expect(reads()).toBe(1);
  });

  it('refuses nobody for what it remembers', async () => {
    // Far slower than the real one: all of this happens while rows are remembered.
    let clock = 0;
    const tick = () => {
      clock += 1;
      return clock;
    };
    const parts = await partsOn(await open(), { clock: tick });
    const works = (text: string) => parts.authenticator.authenticate(bearer(text));
    const first = await addUser(parts);
    await works((await parts.apiKeys.generate(first)).key);
    await parts.users.revokeTokens('ann');
    const renewed = await parts.users.record('ann');
    await works(await parts.accessTokens.issue(renewed ?? first));
    await parts.users.delete('ann');
    const second = await addUser(parts);
    expect(await works((await parts.apiKeys.generate(second)).key)).toMatchObject({ id: second.id });
    expect(await works(await parts.accessTokens.issue(second))).toMatchObject({ id: second.id });
  });

  it('is not misled by a read that was slow', async () => {
    let clock = 0;
    const store = await open();
    const parts = await partsOn(store);
    const ann = await addUser(parts);
    const { id, key } = await parts.apiKeys.generate(ann);
    /** Reads at once, and answers when it is let go. */
    const slow: (() => void)[] = [];
    const get: typeof store.get = async (table, rowId) => {
      const row = await store.get<never>(table, rowId);
      if (table === 'keys' && clock === 0) await new Promise<void>((resolve) => slow.push(resolve));
      return row;
    };
    const { authenticator } = await partsOn({ ...store, get }, { clock: () => clock });
    const early = authenticator.authenticate(bearer(key));
    await vi.waitFor(() => expect(slow).toHaveLength(1));
    await parts.apiKeys.revoke(id);
    clock = REMEMBER + 1;
    expect(await failure(authenticator.authenticate(bearer(key)))).toMatchObject({ kind: 'invalid_key' });
    slow[0]?.();
    await early;
    expect(await failure(authenticator.authenticate(bearer(key)))).toMatchObject({ kind: 'invalid_key' });
  });

  it('lets a failure of the store through, and does not remember it', async () => {
    const store = await open();
    const parts = await partsOn(store);
    const ann = await addUser(parts);
    const { key } = await parts.apiKeys.generate(ann);
    const broken = counted(store, (count) => {
      if (count === 1) throw new StoreUnavailable('away');
    });
    const { authenticator } = await partsOn(broken.store);
    expect(await failure(authenticator.authenticate(bearer(key)))).toBeInstanceOf(StoreUnavailable);
    expect(await authenticator.authenticate(bearer(key))).toMatchObject({ id: ann.id });
  });
});

const { directory, keep } = cleanUp();

it.each<[string, (parts: Parts, ids: { key: string }) => Promise<unknown>, string[]]>([
  ['a key', ({ apiKeys }, { key }) => apiKeys.revoke(key), ['key']],
  ['all tokens', ({ users }) => users.revokeTokens('ann'), ['token']],
  ['a user', ({ users }) => users.delete('ann'), ['key', 'token']],
])('%s revoked through one store is refused through another within a second', async (_, revoke, refused) => {
  const path = `${await directory()}/test.db`;
  const secrets = await loadSecrets({ beside: undefined });
  const one = await partsOn(keep(sqlite({ path })), { secrets });
  const two = await partsOn(keep(sqlite({ path })), { secrets });
  const ann = await addUser(one);
  const { id, key } = await one.apiKeys.generate(ann);
  const credentials: Record<string, string> = { key, token: await one.accessTokens.issue(ann) };

  const asks = async (name: string) => two.authenticator.authenticate(bearer(credentials[name] ?? ''));
  for (const name of Object.keys(credentials)) await asks(name);
  await revoke(one, { key: id });
  // In use all the time, so that what is remembered would live on if use kept it alive.
  const until = performance.now() + 1_000;
  while (performance.now() < until) {
    await Promise.allSettled(Object.keys(credentials).map(asks));
    await sleep(50);
  }
  for (const name of Object.keys(credentials)) {
    if (refused.includes(name)) expect(await failure(asks(name))).toMatchObject({ status: 401 });
    else expect(await asks(name)).toMatchObject({ id: ann.id });
  }
});

it('a role changed through one store holds through another within a second', async () => {
  const path = `${await directory()}/test.db`;
  const one = await partsOn(keep(sqlite({ path })));
  const two = await partsOn(keep(sqlite({ path })));
  const { key } = await one.apiKeys.generate(await addUser(one));
  expect(await two.authenticator.authenticate(bearer(key))).toMatchObject({ role: 'basic' });
  await one.users.setRole('ann', 'premium');
  await sleep(1_000);
  expect(await two.authenticator.authenticate(bearer(key))).toMatchObject({ role: 'premium' });
});
