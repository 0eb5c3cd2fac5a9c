/** The write-ahead log goes to the disk soon after a commit. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { journalMode } from '../../src/core/store/sqlite/library.js';
import { sqlite } from '../../src/core/store/sqlite.js';
import { until } from '../support/gateway.js';
import { folder } from './folder.js';

const { fdatasync } = fs;
/** Some of Node 22 have an SQLite whose write-ahead log is not used. */
const writesAhead = journalMode(process.versions.sqlite ?? '0') === 'WAL';
afterEach(() => {
  fs.fdatasync = fdatasync;
  syncBuiltinESMExports();
});

/** The inodes that are synced from now on, each in so many milliseconds. `answer` is what that comes to. */
function watchSyncs({ takes = 20, answer = null as Error | null } = {}): number[] {
  const synced: number[] = [];
  fs.fdatasync = ((file: number, done: fs.NoParamCallback) => {
    synced.push(fs.fstatSync(file).ino);
    setTimeout(done, takes, answer);
  }) as typeof fdatasync;
  syncBuiltinESMExports();
  return synced;
}

test.runIf(writesAhead)('commits that come together are synced together, and each soon', async () => {
  const path = join(folder(), 'store.db');
  const synced = watchSyncs();
  const store = sqlite({ path });
  await Promise.all(Array.from({ length: 5 }, (_, i) => store.create('users', `u${i}`, i)));
  const log = fs.statSync(`${path}-wal`).ino;
  await until(() => synced.length === 1);
  expect(await store.get('users', 'u1')).toMatchObject({ value: 1 });
  await sleep(250);
  expect(synced).toEqual([log]);
  await store.create('users', 'another', 1);
  await until(() => synced.length === 2);
  expect(synced).toEqual([log, log]);
  await store.close();
});

test.runIf(writesAhead)('what is committed during a sync is synced after it', async () => {
  const synced = watchSyncs({ takes: 500 });
  const store = sqlite({ path: join(folder(), 'store.db') });
  await store.create('users', 'u1', 1);
  await until(() => synced.length === 1);
  await store.create('users', 'u2', 2);
  await until(() => synced.length === 2);
  await sleep(800);
  expect(synced.length).toBe(2);
  await store.close();
});

test.runIf(writesAhead)(
  'a sync that fails keeps nobody from the store, and is tried again after the next commit',
  async () => {
    const synced = watchSyncs({ answer: new Error('EIO: i/o error, fdatasync') });
    const store = sqlite({ path: join(folder(), 'store.db') });
    await store.create('users', 'u1', 1);
    await until(() => synced.length === 1);
    await sleep(50);
    await store.create('users', 'u2', 2);
    await until(() => synced.length === 2);
    expect(await store.get('users', 'u2')).toMatchObject({ value: 2 });
    await store.close();
  },
);

test.runIf(writesAhead).each(['before', 'during', 'after'])(
  'a store that is closed %s its sync leaves no file open',
  async (when) => {
    const directory = folder();
    const open = () =>
      fs.readdirSync('/proc/self/fd').filter((fd) => linked(fd).startsWith(directory)).length;
    const synced = watchSyncs({ takes: when === 'during' ? 500 : 20 });
    const store = sqlite({ path: join(directory, 'store.db') });
    await store.create('users', 'u1', 1);
    if (when !== 'before') await until(() => synced.length === 1);
    if (when === 'after') await sleep(50);
    await store.close();
    await until(() => open() === 0);
    await sleep(150);
    expect(synced.length).toBe(when === 'before' ? 0 : 1);
  },
);

/** '' for one that has been closed meanwhile. */
function linked(fd: string): string {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

test('a database without a write-ahead log has nothing to sync', async () => {
  const synced = watchSyncs();
  const store = sqlite({ path: writesAhead ? ':memory:' : join(folder(), 'store.db') });
  await store.create('users', 'u1', 1);
  await sleep(200);
  expect(synced).toEqual([]);
  await store.close();
});
