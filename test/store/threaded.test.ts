import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openStore } from '../../src/core/store/open.js';
import { StoreUnavailable } from '../../src/core/store/port.js';
import { openThread } from '../../src/core/store/sqlite/thread-calls.js';
import { folder } from './folder.js';
import { testStore } from './suite.js';

testStore('sqlite on a thread of its own', () =>
  openStore(`sqlite:${join(folder(), 'store.db')}`, { thread: true }),
);

describe('a store on a thread of its own', () => {
  it('lets the event loop go on while it works', async () => {
    const store = await openStore(`sqlite:${join(folder(), 'store.db')}`, { thread: true });
    onTestFinished(() => store.close());
    const value = 'x'.repeat(20_000);
    // On this thread they would be one transaction, in one turn.
    const writes = Promise.all(
      Array.from({ length: 2_000 }, (_, i) => store.create('users', `u${i}`, value)),
    );
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    }, 1);
    await writes;
    clearInterval(counting);
    expect(turns).toBeGreaterThan(2);
  });

  it('tells the words of an error, be it the store that is away or a file from a newer version', async () => {
    const store = await openStore(`sqlite:${join(folder(), 'store.db')}`, { thread: true });
    await store.close();
    await expect(store.get('users', 'u1')).rejects.toEqual(new StoreUnavailable('The store is closed.'));
    const nowhere = await openStore('sqlite:/etc/passwd/such.db', { thread: true });
    onTestFinished(() => nowhere.close());
    const failure = await nowhere.get('users', 'u1').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(String(failure)).toContain('/etc/passwd');
    const path = join(folder(), 'newer.db');
    await (await openStore(`sqlite:${path}`)).close();
    const newer = new DatabaseSync(path);
    newer.exec("UPDATE meta SET value = 99 WHERE name = 'schema'");
    newer.close();
    await expect(openStore(`sqlite:${path}`, { thread: true })).rejects.toThrow(/newer Parallama/);
  });
});

/** Answers `echo` with its arguments and `late` at `release`, ends at `exit` and `throw`, and to all else says nothing. */
const PROGRAM = `
  const { parentPort } = require('node:worker_threads');
  const late = [];
  parentPort.on('message', (calls) => {
    for (const [id, method, args] of calls) {
      if (method === 'late') late.push(id);
      if (method === 'release') parentPort.postMessage([...late, id].map((one) => [one, 'value', method]));
      if (method === 'echo' || method === 'close') parentPort.postMessage([[id, 'value', args]]);
      if (method === 'exit') process.exit();
      if (method === 'throw') throw new Error('out of memory');
    }
  });`;

interface Program {
  echo(...args: unknown[]): Promise<unknown>;
  exit(): Promise<void>;
  throw(): Promise<void>;
  nothing(): Promise<void>;
  late(): Promise<void>;
  release(): Promise<unknown>;
}

describe('a thread', () => {
  const open = () => {
    const thread = openThread<Program>(PROGRAM, {});
    onTestFinished(() => thread.close());
    return thread;
  };

  it.each(['exit', 'throw'] as const)(
    'that ends (%s) fails all that wait, and is started anew',
    async (end) => {
      const { ask } = open();
      const waiting = [ask('nothing')(), ask(end)(), ask('nothing')()];
      const after = waiting[0]!.catch(() => ask('echo')('after'));
      for (const { status, reason } of (await Promise.allSettled(waiting)) as PromiseRejectedResult[]) {
        expect([status, reason]).toEqual(['rejected', expect.any(StoreUnavailable)]);
      }
      expect(await Promise.all([ask('echo')(1), after])).toEqual([[1], ['after']]);
    },
  );

  it('that does not answer is not waited for, and its late answer is nobody else’s', async () => {
    const { ask } = open();
    expect(await ask('echo')('started')).toEqual(['started']);
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    onTestFinished(() => clock.mockRestore());
    const waiting = ask('late')();
    clock.mockReturnValue(performance.now() + 60_000);
    await expect(waiting).rejects.toThrow('has not answered for 4000 ms');
    const others = [ask('echo')(1), ask('release')(), ask('echo')(2)];
    expect(await Promise.all(others)).toEqual([[1], 'release', [2]]);
  });

  it('that has died is closed all the same', async () => {
    const { ask, close } = openThread<Program>('throw new Error("broken")', {});
    const waiting = ask('echo')(1).catch((error: unknown) => error);
    await close();
    expect(await waiting).toBeInstanceOf(StoreUnavailable);
  });

  it('is not started to be closed', async () => {
    const { ask, close } = openThread<Program>('throw new Error("started")', {});
    await close();
    await expect(ask('echo')()).rejects.toThrow(StoreUnavailable);
  });

  it('that cannot be started fails those who ask, and no more', async () => {
    const { ask, close } = openThread<Program>(PROGRAM, { cannotBeSent: () => undefined });
    onTestFinished(close);
    const [first, second] = await Promise.allSettled([ask('echo')(1), ask('echo')(2)]);
    expect(first).toMatchObject({
      reason: new StoreUnavailable('The thread of the store cannot be started.'),
    });
    expect(second).toMatchObject({ reason: expect.any(StoreUnavailable) });
  });

  it('fails the one call that cannot be sent, and not those beside it', async () => {
    const { ask } = open();
    const [bad, good] = await Promise.allSettled([ask('echo')(() => 'a function'), ask('echo')(1)]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { name: 'DataCloneError' } });
    expect(good).toEqual({ status: 'fulfilled', value: [1] });
  });
});
