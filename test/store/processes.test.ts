/** The store between real processes, some of which are killed. */
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { sqlite } from '../../src/core/store/sqlite.js';
import { folder } from './folder.js';
import { collect } from './suite.js';
import { workers } from './workers.js';

const KEYS = ['requests:hour', 'requests:day', 'tokens:hour', 'tokens:day'];
const { run, result } = workers();
const start = (task: string, path: string, ...rest: number[]) => run(task, `sqlite:${path}`, ...rest);

function open(path: string) {
  const store = sqlite({ path });
  onTestFinished(() => store.close());
  return store;
}

it('admits exactly the limit to four processes, and counts nothing of what was refused', async () => {
  const path = join(folder(), 'store.db');
  const admitted = await Promise.all([1, 2, 3, 4].map(() => result(start('hammer', path, 2000, 1000))));
  expect(admitted.reduce((sum: number, count) => sum + Number(count), 0)).toBe(1000);
  const store = open(path);
  expect(await store.counters('ann', KEYS)).toEqual([
    { used: 1000, held: 0 },
    { used: 1000, held: 0 },
    { used: 3000, held: 0 },
    { used: 3000, held: 0 },
  ]);
  const history = { from: '2026-01-01T00', to: '2027-01-01T00', by: 'hour' } as const;
  expect(await collect(store.usage(history))).toMatchObject([{ requests: 1000, promptTokens: 3000 }]);
}, 90_000);

it('gives back what a killed process held, charged what was known', async () => {
  const path = join(folder(), 'store.db');
  const child = start('hold', path, 10, 100);
  await once(child.stdout!, 'data');
  const store = open(path);
  expect((await store.counters('ann', KEYS))[2]).toEqual({ used: 0, held: 50 });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await sleep(1100);
  expect(await result(start('sweep', path))).toBe(10);
  expect(await store.counters('ann', KEYS)).toEqual([
    { used: 5, held: 0 },
    { used: 5, held: 0 },
    { used: 15, held: 0 },
    { used: 15, held: 0 },
  ]);
});

it('opens a new file from six processes at once', async () => {
  const path = join(folder(), 'new', 'store.db');
  const opened = await Promise.all(Array.from({ length: 6 }, () => result(start('open', path))));
  expect(opened).toEqual(Array(6).fill(null));
});

it('loses nothing that was acknowledged to a process killed in the middle of a write', async () => {
  const path = join(folder(), 'store.db');
  for (let round = 0; round < 3; round += 1) {
    const child = start('write', path);
    const said = text(child.stdout!);
    await once(child.stdout!, 'readable');
    await sleep(150);
    child.kill('SIGKILL');
    // The last line may be cut off.
    const count = (await said).split('\n').length - 1;
    expect(count).toBeGreaterThan(0);
    const ids = Array.from({ length: count }, (_, at) => `${child.pid}:${at}`);
    expect((await open(path).getMany('users', ids)).indexOf(undefined)).toBe(-1);
  }
  const db = new DatabaseSync(path);
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  db.close();
});
