import { describe, expect, it } from 'vitest';
import type { Bench } from '../suite.js';

export function testRecords(bench: Bench): void {
  describe('records', () => {
    it('keeps what was created, as version 1', async () => {
      const value = { name: 'Ann', tags: ['ä', '\u{1f999}', "'; --"], nested: { none: null, yes: true } };
      expect(await bench.store.create('users', 'u1', value)).toBe(true);
      expect(await bench.store.get('users', 'u1')).toEqual({ id: 'u1', value, version: 1 });
    });

    it('answers undefined for what is absent, and keeps tables apart', async () => {
      await bench.store.create('users', 'u1', 1);
      expect(await bench.store.get('users', 'nobody')).toBeUndefined();
      expect(await bench.store.get('keys', 'u1')).toBeUndefined();
    });

    it('gives many in the order asked for', async () => {
      await bench.store.create('users', 'a', 1);
      await bench.store.create('users', 'b', 2);
      const rows = await bench.store.getMany<number>('users', ['b', 'none', 'a', 'b']);
      expect(rows.map((row) => row?.value)).toEqual([2, undefined, 1, 2]);
      expect(await bench.store.getMany('users', [])).toEqual([]);
    });

    it('does not create over a row that exists', async () => {
      await bench.store.create('users', 'u1', 'first', { index: { role: 'basic' } });
      expect(await bench.store.create('users', 'u1', 'second', { index: { role: 'admin' } })).toBe(false);
      expect(await bench.store.get('users', 'u1')).toMatchObject({ value: 'first', version: 1 });
      const admins = { index: 'role', equals: 'admin' };
      expect(await bench.store.list('users', { where: admins, limit: 10 })).toEqual([]);
    });

    it('updates the version named, and no other', async () => {
      expect(await bench.store.update('users', 'u1', 1, 'x')).toBe(false);
      await bench.store.create('users', 'u1', 'a');
      expect(await bench.store.update('users', 'u1', 1, 'b')).toBe(true);
      expect(await bench.store.update('users', 'u1', 1, 'c')).toBe(false);
      expect(await bench.store.get('users', 'u1')).toEqual({ id: 'u1', value: 'b', version: 2 });
    });

    it('deletes a version, or whatever is there', async () => {
      await bench.store.create('users', 'u1', 'a');
      expect(await bench.store.delete('users', 'u1', 2)).toBe(false);
      expect(await bench.store.delete('users', 'u1', 1)).toBe(true);
      expect(await bench.store.delete('users', 'u1')).toBe(false);
      await bench.store.create('users', 'u1', 'b');
      expect(await bench.store.delete('users', 'u1')).toBe(true);
      expect(await bench.store.get('users', 'u1')).toBeUndefined();
    });

    it('starts again at version 1 after a delete: an old version never comes back', async () => {
      await bench.store.create('keys', 'k', 'a');
      await bench.store.update('keys', 'k', 1, 'b');
      await bench.store.delete('keys', 'k');
      expect(await bench.store.update('keys', 'k', 2, 'resurrected')).toBe(false);
      expect(await bench.store.create('keys', 'k', 'c')).toBe(true);
      expect(await bench.store.get('keys', 'k')).toMatchObject({ value: 'c', version: 1 });
    });

    const CALLS = Array.from({ length: 200 }, (_, call) => call);

    it('has one winner among 200 creates', async () => {
      const won = await Promise.all(CALLS.map((call) => bench.store.create('users', 'u1', call)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await bench.store.get('users', 'u1')).toMatchObject({ value: won.indexOf(true) });
    });

    it('has one winner among 200 updates of one version', async () => {
      await bench.store.create('users', 'u1', 'start');
      const won = await Promise.all(CALLS.map((call) => bench.store.update('users', 'u1', 1, call)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await bench.store.get('users', 'u1')).toMatchObject({ value: won.indexOf(true), version: 2 });
    });

    it('has one winner among 200 takes, who gets the row', async () => {
      await bench.store.create('sessions', 's1', { user: 'ann' });
      const rows = await Promise.all(CALLS.map(() => bench.store.take('sessions', 's1')));
      expect(rows.filter((row) => row !== undefined)).toEqual([
        { id: 's1', value: { user: 'ann' }, version: 1 },
      ]);
    });

    it('has one winner among 200 deletes', async () => {
      await bench.store.create('sessions', 's1', 1);
      const won = await Promise.all(CALLS.map(() => bench.store.delete('sessions', 's1')));
      expect(won.filter(Boolean)).toHaveLength(1);
    });

    it('loses no increment of 40 that retry by version', async () => {
      await bench.store.create('settings', 'n', 0);
      const increment = async (): Promise<void> => {
        for (;;) {
          const row = await bench.store.get<number>('settings', 'n');
          if (await bench.store.update('settings', 'n', row!.version, row!.value + 1)) return;
        }
      };
      await Promise.all(CALLS.slice(0, 40).map(increment));
      expect(await bench.store.get('settings', 'n')).toMatchObject({ value: 40, version: 41 });
    });

    it('treats an expired row as absent, everywhere', async () => {
      const { store, span } = bench;
      const options = { index: { user: 'ann' }, expiresAt: bench.now() + span };
      await store.create('sessions', 's1', 'old', options);
      expect(await store.get('sessions', 's1')).toBeDefined();
      await bench.pass(span + 20);
      expect(await store.get('sessions', 's1')).toBeUndefined();
      expect(await store.getMany('sessions', ['s1'])).toEqual([undefined]);
      expect(await store.list('sessions', { limit: 10 })).toEqual([]);
      const anns = { index: 'user', equals: 'ann' };
      expect(await store.list('sessions', { where: anns, limit: 10 })).toEqual([]);
      expect(await store.update('sessions', 's1', 1, 'x')).toBe(false);
      expect(await store.take('sessions', 's1')).toBeUndefined();
      expect(await store.delete('sessions', 's1')).toBe(false);
    });

    it('creates where an expired row is, and finds it by the new fields only', async () => {
      const { store, span } = bench;
      await store.create('sessions', 's1', 'old', { index: { user: 'ann' }, expiresAt: bench.now() + span });
      await bench.pass(span + 20);
      expect(await store.create('sessions', 's1', 'new', { index: { user: 'bob' } })).toBe(true);
      await store.sweep();
      expect(await store.get('sessions', 's1')).toEqual({ id: 's1', value: 'new', version: 1 });
      expect(await store.list('sessions', { where: { index: 'user', equals: 'ann' }, limit: 9 })).toEqual([]);
      expect(
        await store.list('sessions', { where: { index: 'user', equals: 'bob' }, limit: 9 }),
      ).toHaveLength(1);
    });

    it('keeps the expiry on updates that name none, and takes a new one', async () => {
      const { store, span } = bench;
      await store.create('sessions', 'kept', 1, { expiresAt: bench.now() + span });
      await store.create('sessions', 'moved', 1, { expiresAt: bench.now() + span });
      await store.update('sessions', 'kept', 1, 2);
      await store.update('sessions', 'moved', 1, 2, { expiresAt: bench.now() + 100 * span });
      await bench.pass(span + 20);
      expect(await store.get('sessions', 'kept')).toBeUndefined();
      expect(await store.get('sessions', 'moved')).toMatchObject({ value: 2, version: 2 });
    });

    it('finds by the fields of the index: kept, replaced and removed with the row', async () => {
      const { store } = bench;
      const find = async (index: string, equals: string) => {
        return (await store.list('keys', { where: { index, equals }, limit: 10 })).map(({ id }) => id);
      };
      await store.create('keys', 'k1', 1, { index: { user: 'ann', kind: 'live' } });
      await store.create('keys', 'k2', 1, { index: { user: 'ann' } });
      await store.create('users', 'k3', 1, { index: { user: 'ann' } });
      expect(await find('user', 'ann')).toEqual(['k1', 'k2']);
      expect(await find('kind', 'live')).toEqual(['k1']);
      expect(await find('kind', 'ann')).toEqual([]);
      await store.update('keys', 'k1', 1, 2);
      expect(await find('user', 'ann')).toEqual(['k1', 'k2']);
      await store.update('keys', 'k1', 2, 3, { index: { user: 'bob' } });
      expect(await find('user', 'ann')).toEqual(['k2']);
      expect(await find('user', 'bob')).toEqual(['k1']);
      expect(await find('kind', 'live')).toEqual([]);
      await store.take('keys', 'k2');
      await store.delete('keys', 'k1');
      expect([...(await find('user', 'ann')), ...(await find('user', 'bob'))]).toEqual([]);
    });

    it('lists page by page in the order of ids, whole or by a field', async () => {
      const { store } = bench;
      const ids = ['B', '_', 'a', 'a-', 'a1', 'b', 'é', '中'];
      for (const id of [...ids].reverse()) await store.create('users', id, id, { index: { all: 'yes' } });
      for (const where of [undefined, { index: 'all', equals: 'yes' }]) {
        const seen: string[] = [];
        for (;;) {
          const page = await store.list<string>('users', { where, after: seen.at(-1), limit: 3 });
          expect(page.length).toBeLessThanOrEqual(3);
          seen.push(...page.map(({ id }) => id));
          if (page.length < 3) break;
        }
        expect(seen).toEqual(ids);
      }
    });
  });
}
