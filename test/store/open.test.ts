import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KeyvPostgres } from '@keyv/postgres';
import { Keyv } from 'keyv';
import { describe, expect, it, onTestFinished } from 'vitest';
import { directoryBeside } from '../../src/core/places.js';
import { openStore } from '../../src/core/store/open.js';
import { type Store, StoreUnavailable } from '../../src/core/store/port.js';
import { folder } from './folder.js';

async function open(where: string | Store, options?: { now?: () => number }): Promise<Store> {
  const store = await openStore(where, options);
  onTestFinished(() => store.close());
  return store;
}

describe('openStore', () => {
  it('opens a file, whose path is taken as it is written', async () => {
    const path = join(folder(), 'a b%20?.db');
    const store = await open(`sqlite:${path}`);
    expect([store.kind, store.place]).toEqual(['sqlite', path]);
    expect(new DatabaseSync(path).prepare('SELECT count(*) AS n FROM usage').get()).toMatchObject({ n: 0 });
  });

  it.each(['sqlite:', 'SQLite:', 'sqlite://', 'sqlite:///'])(
    'knows the address %s and an absolute path',
    async (scheme) => {
      const path = join(folder(), 'store.db');
      expect(await open(`${scheme}${path}`)).toMatchObject({ kind: 'sqlite', place: path });
      expect(directoryBeside(`${scheme}${path}`, undefined)).toBe(dirname(path));
    },
  );

  it('opens a store in memory', async () => {
    expect(await open('memory:')).toMatchObject({ kind: 'memory', place: 'memory' });
  });

  it('hands on the clock', async () => {
    const store = await open('memory:', { now: () => 1000 });
    await store.create('sessions', 's1', 1, { expiresAt: 2000 });
    expect(await store.get('sessions', 's1')).toBeDefined();
  });

  it('takes a Keyv, whose adapter says what it is', async () => {
    const adapter = new KeyvPostgres({ uri: 'postgres://root:hunter2@127.0.0.1:1/x' });
    adapter.on('error', () => undefined);
    const keyvs = [new Keyv(), new Keyv({ store: adapter })];
    const stores = await Promise.all(keyvs.map((keyv) => openStore(keyv)));
    expect(stores.map(({ kind, place }) => [kind, place])).toEqual([
      ['keyv', 'Map'],
      ['postgres', 'postgres://127.0.0.1:1/x'],
    ]);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('takes a store as it is', async () => {
    const store = await open('memory:');
    expect(await openStore(store)).toBe(store);
  });

  it.each([
    ['mysql://root:hunter2@db/x', /"mysql:".*sqlite:PATH.*memory:/],
    ['constructor:hunter2', /"constructor:".*sqlite:PATH/],
    ['//root:hunter2@db/x', /does not say what it is.*sqlite:PATH/],
    ['', /does not say what it is/],
    ['sqlite:', /names no file/],
    // Elsewhere the first is relative and the second a host: neither may become a file at the root.
    ['sqlite:///./x.db', /not clear which file.*sqlite:\.\/parallama\.db/],
    ['sqlite://x.db', /not clear which file/],
    ['sqlite:////../x.db', /not clear which file/],
    ['sqlite:file:x.db', /no URI/],
    ['sqlite::memory:', /written memory:/],
    [{} as Store, /Store object/],
    [undefined as unknown as Store, /Store object/],
  ])('refuses %j, says what it takes and shows no password', async (where, message) => {
    const failure = await openStore(where).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(StoreUnavailable);
    expect(String(failure)).toMatch(message);
    expect(String(failure)).not.toContain('hunter2');
  });

  it('gives a store that is away, whose calls fail until it is back', async () => {
    const path = join(folder(), 'file', 'store.db');
    writeFileSync(join(path, '..'), 'in the way');
    const store = await open(`sqlite:${path}`);
    await expect(store.get('users', 'u1')).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('fails where the database is of a newer version', async () => {
    const path = join(folder(), 'store.db');
    await (await openStore(`sqlite:${path}`)).close();
    const other = new DatabaseSync(path);
    other.exec("UPDATE meta SET value = 99 WHERE name = 'schema'");
    other.close();
    await expect(openStore(`sqlite:${path}`)).rejects.toThrow(/newer Parallama/);
  });
});
