import { expect, it } from 'vitest';
import { makeCredential } from '../../src/core/auth/credential.js';
import { createSessions, REFRESH_PREFIX } from '../../src/core/auth/sessions.js';
import { addUser, failure, outcomes, partsOn } from './parts.js';
import { describeStores } from './stores.js';

const INVALID = { kind: 'invalid_refresh_token', status: 401 };

describeStores('refresh tokens', (open) => {
  it('are exchanged, each for the next', async () => {
    const parts = await partsOn(await open());
    const ann = await addUser(parts);
    let token = await parts.sessions.create(ann);
    for (let n = 0; n < 3; n += 1) {
      const next = await parts.sessions.rotate(token);
      expect(next.token).toMatch(/^rt_[0-9A-Za-z]{54}$/);
      expect(next.token).not.toBe(token);
      expect(next.user).toEqual(ann);
      token = next.token;
    }
    const rows = await parts.store.list('sessions', { limit: 10 });
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(token.slice(-38, -6));
  });

  it('end their session when used twice, for the thief and for the owner', async () => {
    const parts = await partsOn(await open());
    const ann = await addUser(parts);
    const other = await parts.sessions.create(ann);
    const first = await parts.sessions.create(ann);
    const { token: second } = await parts.sessions.rotate(first);
    const { token: third } = await parts.sessions.rotate(second);
    const error = await failure(parts.sessions.rotate(first));
    expect(error).toMatchObject({ ...INVALID, message: expect.stringContaining('used before') });
    expect(String(error)).not.toContain(first);
    expect(await failure(parts.sessions.rotate(third))).toMatchObject(INVALID);
    expect(await parts.sessions.rotate(other)).toBeDefined();
  });

  it('have one winner of 200 concurrent uses, and its chain is revoked', async () => {
    const parts = await partsOn(await open());
    const token = await parts.sessions.create(await addUser(parts));
    const calls = Array.from({ length: 200 }, () => parts.sessions.rotate(token));
    expect(await outcomes(calls)).toEqual({ ok: 1, invalid_refresh_token: 199 });
    const [winner] = (await Promise.allSettled(calls)).filter((call) => call.status === 'fulfilled');
    expect(await failure(parts.sessions.rotate(winner?.value.token ?? ''))).toMatchObject(INVALID);
    expect(await parts.store.list('sessions', { limit: 10 })).toEqual([]);
  });

  it('are refused when unknown or mistyped, and a slip does not end the session', async () => {
    const parts = await partsOn(await open());
    const token = await parts.sessions.create(await addUser(parts));
    const slip = token.slice(0, 30) + (token[30] === 'x' ? 'y' : 'x') + token.slice(31);
    for (const text of ['', 'rt_', slip, token.slice(0, -1), makeCredential(REFRESH_PREFIX).text]) {
      expect(await failure(parts.sessions.rotate(text))).toMatchObject(INVALID);
    }
    expect(await parts.sessions.rotate(token)).toBeDefined();
  });

  it('expire, counted from the last exchange', async () => {
    let now = Date.now();
    const store = await open({ now: () => now });
    const parts = await partsOn(store, { now: () => now });
    const ann = await addUser(parts);
    const sessions = createSessions({ store, ttl: 100, rotation: true, now: () => now });
    const first = await sessions.create(ann);
    now += 99_000;
    const { token: second } = await sessions.rotate(first);
    now += 99_000;
    const { token: third } = await sessions.rotate(second);
    now += 101_000;
    expect(await failure(sessions.rotate(third))).toMatchObject(INVALID);
  });

  it('can be used again without rotation, until they expire', async () => {
    let now = Date.now();
    const store = await open({ now: () => now });
    const ann = await addUser(await partsOn(store));
    const sessions = createSessions({ store, ttl: 100, rotation: false, now: () => now });
    const token = await sessions.create(ann);
    const calls = Array.from({ length: 20 }, () => sessions.rotate(token));
    expect(await outcomes(calls)).toEqual({ ok: 20 });
    expect((await sessions.rotate(token)).token).toBe(token);
    now += 101_000;
    expect(await failure(sessions.rotate(token))).toMatchObject(INVALID);
  });

  it('end with their session', async () => {
    const parts = await partsOn(await open());
    const ann = await addUser(parts);
    const token = await parts.sessions.create(ann);
    expect(await parts.sessions.end(token, { user: 'somebody else' })).toBe(false);
    const { token: next } = await parts.sessions.rotate(token);
    expect(await parts.sessions.end(next, { user: ann.id })).toBe(true);
    expect(await parts.sessions.end(next)).toBe(false);
    expect(await parts.sessions.end('nothing')).toBe(false);
    expect(await failure(parts.sessions.rotate(next))).toMatchObject(INVALID);
  });

  it('end for one user together', async () => {
    const parts = await partsOn(await open());
    const [ann, bea] = [await addUser(parts, 'ann'), await addUser(parts, 'bea')];
    const tokens = await Promise.all([parts.sessions.create(ann), parts.sessions.create(ann)]);
    const other = await parts.sessions.create(bea);
    expect(await parts.sessions.endAll(ann.id)).toBe(2);
    for (const token of tokens) expect(await failure(parts.sessions.rotate(token))).toMatchObject(INVALID);
    expect(await parts.sessions.rotate(other)).toBeDefined();
  });

  it('are void once the user is another generation, a login in flight included', async () => {
    const parts = await partsOn(await open());
    const before = await addUser(parts);
    const early = await parts.sessions.create(before);
    await parts.users.revokeTokens('ann');
    const late = await parts.sessions.create(before);
    for (const token of [early, late])
      expect(await failure(parts.sessions.rotate(token))).toMatchObject(INVALID);
    const after = await parts.users.record('ann');
    expect(await parts.sessions.rotate(await parts.sessions.create(after ?? before))).toBeDefined();
  });

  it('are not used up where the store fails on the way', async () => {
    const store = await open();
    const parts = await partsOn(store);
    const token = await parts.sessions.create(await addUser(parts));
    const fail = async () => {
      throw new Error('away');
    };
    for (const broken of [{ get: fail }, { update: fail }]) {
      const sessions = createSessions({ store: { ...store, ...broken }, ttl: 100, rotation: true });
      await expect(sessions.rotate(token)).rejects.toThrow('away');
    }
    expect(await parts.sessions.rotate(token)).toBeDefined();
  });
});
