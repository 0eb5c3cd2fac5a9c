import { expect, it } from 'vitest';
import { createApiKeys } from '../../src/core/auth/api-keys.js';
import { makeCredential } from '../../src/core/auth/credential.js';
import { addUser, partsOn } from './parts.js';
import { counted, describeStores } from './stores.js';

describeStores('API keys', (open) => {
  it('verifies a key and keeps nothing of its secret', async () => {
    const parts = await partsOn(await open());
    const ann = await addUser(parts);
    const { id, key } = await parts.apiKeys.generate(ann, { name: 'laptop' });
    expect(key.startsWith('pk_live_')).toBe(true);
    expect(await parts.apiKeys.verify(key)).toEqual({ keyId: id, userId: ann.id, username: 'ann' });
    const rows = JSON.stringify(await parts.store.list('keys', { limit: 10 }));
    expect(rows).not.toContain(key.slice(-38, -6));
  });

  it('refuses mistyped keys without a store read, and unknown ones with', async () => {
    const store = await open();
    const { store: watched, reads } = counted(store);
    const { key } = await createApiKeys({ store, prefix: 'pk_' }).generate({ id: '1', username: 'ann' });
    const apiKeys = createApiKeys({ store: watched, prefix: 'pk_' });
    expect(await apiKeys.verify(`${key.slice(0, -1)}!`)).toBeUndefined();
    expect(await apiKeys.verify(key.toLowerCase())).toBeUndefined();
    expect(await apiKeys.verify('')).toBeUndefined();
    expect(reads()).toBe(0);
    expect(await apiKeys.verify(makeCredential('pk_').text)).toBeUndefined();
    expect(reads()).toBe(1);
  });

  it('takes a key in any spelling of its prefix that one could be configured in, and in no longer one', async () => {
    const { apiKeys } = await partsOn(await open());
    const { id, key } = await apiKeys.generate({ id: '1', username: 'ann' });
    const secret = key.slice(-38, -6);
    const spelled = (prefix: string) => makeCredential(prefix, id, secret).text;
    for (const prefix of ['', 'x', 'x'.repeat(32)]) {
      expect(await apiKeys.verify(spelled(prefix))).toMatchObject({ keyId: id });
      expect(await apiKeys.verify(key)).toMatchObject({ keyId: id });
    }
    for (const prefix of ['x'.repeat(33), 'x'.repeat(16_000)]) {
      expect(await apiKeys.verify(spelled(prefix))).toBeUndefined();
    }
  });

  it("refuses another secret under a known key's id", async () => {
    const store = await open();
    const apiKeys = createApiKeys({ store, prefix: 'pk_' });
    const { id } = await apiKeys.generate({ id: '1', username: 'ann' });
    const other = await apiKeys.generate({ id: '2', username: 'bea' });
    await store.delete('keys', id);
    await store.create('keys', id, (await store.get('keys', other.id))?.value);
    expect(await apiKeys.verify(other.key)).toMatchObject({ userId: '2' });
    await store.delete('keys', other.id);
    await store.create('keys', other.id, {
      userId: '1',
      username: 'ann',
      hash: 'x'.repeat(43),
      created_at: '',
    });
    expect(await apiKeys.verify(other.key)).toBeUndefined();
  });

  it('keeps keys valid when the prefix changes', async () => {
    const store = await open();
    const { key } = await createApiKeys({ store, prefix: 'old_' }).generate({ id: '1', username: 'ann' });
    expect(await createApiKeys({ store, prefix: 'new_' }).verify(key)).toBeDefined();
  });

  it("lists and revokes a user's keys only", async () => {
    const { apiKeys } = await partsOn(await open());
    const ann = { id: '1', username: 'ann' };
    const bea = { id: '2', username: 'bea' };
    const first = await apiKeys.generate(ann, { name: 'laptop' });
    const second = await apiKeys.generate(ann);
    const other = await apiKeys.generate(bea);
    const listed = await apiKeys.list(ann);
    expect(listed.map(({ id }) => id).sort()).toEqual([first.id, second.id].sort());
    expect(listed).toContainEqual({ id: first.id, name: 'laptop', created_at: first.created_at });
    expect(JSON.stringify(listed)).not.toContain('hash');

    expect(await apiKeys.revoke(other.id, { user: ann.id })).toBe(false);
    expect(await apiKeys.verify(other.key)).toBeDefined();
    expect(await apiKeys.revoke(first.id, { user: ann.id })).toBe(true);
    expect(await apiKeys.revoke(first.id)).toBe(false);
    expect(await apiKeys.verify(first.key)).toBeUndefined();
    expect(await apiKeys.revoke(other.id)).toBe(true);
    expect(await apiKeys.revoke('nothing')).toBe(false);
    expect(await apiKeys.revokeAll(ann.id)).toBe(1);
    expect(await apiKeys.list(ann)).toEqual([]);
  });

  it('revokes more keys than fit into one page', async () => {
    const { apiKeys } = await partsOn(await open());
    for (let n = 0; n < 450; n += 1) await apiKeys.generate({ id: '1', username: 'ann' });
    expect(await apiKeys.list({ id: '1' })).toHaveLength(450);
    expect(await apiKeys.revokeAll('1')).toBe(450);
  });
});
