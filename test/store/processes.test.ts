/** A file between real processes, some of which are killed. */
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { sqlite } from '../../src/core/store/sqlite.js';
import { folder } from './folder.js';
import { testProcesses, useWorkers } from './workers.js';

const workers = useWorkers();

testProcesses(workers, () => `sqlite:${join(folder(), 'new', 'store.db')}`);

it('loses nothing that was acknowledged to a process killed in the middle of a write', async () => {
  const path = join(folder(), 'store.db');
  const store = sqlite({ path });
  onTestFinished(() => store.close());
  for (let round = 0; round < 3; round += 1) {
    const child = workers.start('write', `sqlite:${path}`);
    const said = text(child.stdout!);
    await once(child.stdout!, 'readable');
    await sleep(150);
    child.kill('SIGKILL');
    // The last line may be cut off.
    const count = (await said).split('\n').length - 1;
    expect(count).toBeGreaterThan(0);
    const ids = Array.from({ length: count }, (_, at) => `${child.pid}:${at}`);
    expect((await store.getMany('users', ids)).indexOf(undefined)).toBe(-1);
  }
  const db = new DatabaseSync(path);
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  db.close();
});
