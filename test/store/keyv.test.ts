/** The driver for any Keyv, on adapters that fail in the ways that adapters do. */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Keyv } from 'keyv';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keyv } from '../../src/core/store/keyv.js';
import { openStore } from '../../src/core/store/open.js';
import { STORE_DEADLINE, type Store, StoreUnavailable } from '../../src/core/store/port.js';
import { charged, collect, countersOf, EVER, exactly, holdOn, NOTHING, testStore } from './suite.js';

testStore('a Keyv in memory', async ({ now }) => keyv({ keyv: new Keyv(), now }), { fakeClock: true });

testStore(
  'a Keyv whose adapter takes its time',
  async ({ now }) => keyv({ keyv: new Keyv({ store: new Slow() }), now }),
  { fakeClock: true },
);

const bench = { now: Date.now, pass: sleep, fakeClock: false, span: 1000 } as const;
const failureOf = (call: Promise<unknown>) => call.catch((error: unknown) => error);

function open(instance: Keyv): Store {
  const store = keyv({ keyv: instance });
  onTestFinished(() => store.close());
  return store;
}

/** An adapter like those of servers: it answers later, in whatever order. */
class Slow extends EventEmitter {
  readonly rows = new Map<string, string>();
  opts = {};

  protected answer<T>(value: () => T): Promise<T> {
    return new Promise((resolve) => setImmediate(() => resolve(value())));
  }
  get(key: string) {
    return this.answer(() => this.rows.get(key));
  }
  set(key: string, value: string) {
    return this.answer(() => void this.rows.set(key, value));
  }
  delete(key: string) {
    return this.answer(() => this.rows.delete(key));
  }
  clear() {
    return this.answer(() => this.rows.clear());
  }
}

describe('an adapter that fails', () => {
  it('by rejecting makes calls fail, not find nothing', async () => {
    const adapter = new Slow();
    const store = open(new Keyv({ store: adapter }));
    await store.create('users', 'u1', 'Ann');
    adapter.get = () => Promise.reject(new Error('gone'));
    const failure = await failureOf(store.get('users', 'u1'));
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(String(failure)).toContain('Keyv failed: gone');
    expect(await failureOf(store.create('users', 'u1', 'Eve'))).toBeInstanceOf(StoreUnavailable);
  });

  it('by an event alone makes the calls of that time fail', async () => {
    const adapter = new Slow();
    const store = open(new Keyv({ store: adapter }));
    await store.create('users', 'u1', 'Ann');
    const { get } = adapter;
    adapter.get = async () => {
      adapter.emit('error', new Error('reset'));
      return undefined;
    };
    expect(String(await failureOf(store.get('users', 'u1')))).toContain('Keyv failed: reset');
    adapter.get = get;
    expect(await store.get('users', 'u1')).toMatchObject({ value: 'Ann' });
  });

  it('only where it is told to throw, is told', async () => {
    const adapter = Object.assign(new Slow(), { throwOnErrors: false });
    const instance = new Keyv({ store: adapter });
    open(instance);
    expect([instance.throwOnErrors, adapter.throwOnErrors]).toEqual([true, true]);
  });

  it('by saying that it did not write makes the call fail', async () => {
    const adapter = Object.assign(new Slow(), { set: async () => false });
    const store = open(new Keyv({ store: adapter }));
    expect(await failureOf(store.create('users', 'u1', 1))).toBeInstanceOf(StoreUnavailable);
  });

  it('by standing still makes calls fail within the deadline, and takes no later step of them', async () => {
    const adapter = new Slow();
    const store = open(new Keyv({ store: adapter }));
    const hold = holdOn({ ...bench, store }, { requests: 5 });
    let go = () => {};
    const frozen = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { get } = adapter;
    adapter.get = async (key) => {
      await frozen;
      return adapter.rows.get(key);
    };
    const start = performance.now();
    const failures = await Promise.all([
      failureOf(store.reserve(hold, exactly(10), { lease: 60_000, sentAt: Date.now() })),
      failureOf(store.create('users', 'u1', 'late')),
      failureOf(store.get('users', 'u1')),
    ]);
    for (const failure of failures) expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(performance.now() - start).toBeLessThan(STORE_DEADLINE * 1.5);
    adapter.get = get;
    go();
    await sleep(50);
    expect(await countersOf(store, hold)).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
    expect(await store.get('users', 'u1')).toBeUndefined();
    expect(await store.create('users', 'u1', 'in time')).toBe(true);
  });
});

describe('a process that dies between two writes', () => {
  it.each([1, 2, 3, 4, 5, 6])('has settled in full or not at all, if it is at write %i', async (last) => {
    const adapter = new Slow();
    const before = open(new Keyv({ store: adapter }));
    const hold = holdOn({ ...bench, store: before });
    await before.reserve(hold, exactly(100), { lease: 60_000, sentAt: Date.now() });
    const { set } = Slow.prototype;
    let writes = 0;
    adapter.set = (key, value) => {
      writes += 1;
      return writes < last ? set.call(adapter, key, value) : Promise.reject(new Error('dead'));
    };
    await failureOf(before.settle(hold, charged({ promptTokens: 7 })));
    adapter.set = (key, value) => set.call(adapter, key, value);

    // The journal tells it again.
    const after = open(new Keyv({ store: adapter }));
    await after.settle(hold, charged({ promptTokens: 7 }));
    expect(await after.settle(hold, charged({ promptTokens: 7 }))).toBe(false);
    expect((await countersOf(after, hold)).slice(1, 3)).toEqual([
      { used: 1, held: 0 },
      { used: 7, held: 0 },
    ]);
    expect(await collect(after.usage(EVER))).toMatchObject([{ requests: 1, promptTokens: 7 }]);
  });
});

describe('a user with many requests in a day', () => {
  it('is settled with as few bytes as one with few, and leaves none of them behind', async () => {
    let time = Date.UTC(2026, 10, 23, 4, 30);
    const adapter = new Slow();
    let bytes = 0;
    const { get, set } = Slow.prototype;
    adapter.get = async (key) => {
      const text = await get.call(adapter, key);
      bytes += text?.length ?? 0;
      return text as string;
    };
    adapter.set = (key, value) => {
      bytes += value.length;
      return set.call(adapter, key, value);
    };
    const store = keyv({ keyv: new Keyv({ store: adapter }), now: () => time });
    const settle = async () => {
      const hold = holdOn({ ...bench, store, now: () => time });
      await store.reserve(hold, exactly(10), { lease: 60_000, sentAt: time });
      bytes = 0;
      await store.settle(hold, charged({ promptTokens: 1 }));
      return bytes;
    };
    for (let request = 0; request < 3_000; request += 1) await settle();
    // Marks of a whole day are more than a hundred kilobytes.
    expect(await settle()).toBeLessThan(12_000);
    time += 5 * 86_400_000;
    await store.sweep();
    // Its account is gone, its marks are gone; what is left is the history with its lists.
    expect(adapter.rows.size).toBeLessThan(10);
    expect(await collect(store.usage(EVER))).toMatchObject([{ requests: 3_001 }]);
  }, 60_000);

  it('whose marks an earlier version wrote is still settled once', async () => {
    const adapter = new Slow();
    const store = open(new Keyv({ store: adapter }));
    const hold = holdOn({ ...bench, store });
    await store.settle(hold, charged({ promptTokens: 7 }));
    // As it was written then: all marks in the document of the day, and none elsewhere.
    const unwrap = (text: string) => JSON.parse(JSON.parse(text).value) as Record<string, unknown>;
    const wrap = (value: unknown) => JSON.stringify({ value: JSON.stringify(value) });
    let marks: unknown;
    for (const [key, text] of [...adapter.rows]) {
      if (!/settled/.test(text) || /usage|counters/.test(text)) continue;
      marks = unwrap(text);
      adapter.rows.delete(key);
    }
    for (const [key, text] of [...adapter.rows]) {
      if (!text.startsWith('{"value":"{')) continue;
      const { marks: _, last: __, ...document } = unwrap(text);
      adapter.rows.set(key, wrap('usage' in document ? { ...document, marks } : document));
    }
    expect(marks).toBeDefined();
    const after = open(new Keyv({ store: adapter }));
    expect(await after.settle(hold, charged({ promptTokens: 7 }))).toBe(false);
    expect(await after.settle(holdOn({ ...bench, store }), charged({ promptTokens: 1 }))).toBe(true);
    expect(await after.settle(hold, charged({ promptTokens: 7 }))).toBe(false);
    expect((await countersOf(after, hold))[2]).toEqual({ used: 8, held: 0 });
  });
});

describe('what a Keyv is', () => {
  it('says what is not promised, and where it is', async () => {
    const store = await openStore(new Keyv({ store: new Slow() }));
    onTestFinished(() => store.close());
    expect([store.kind, store.place]).toEqual(['keyv', 'Slow']);
    expect(store.notice).toMatch(/one gateway process only/);
  });

  it('is left open, and what it was told of lifetimes does not count', async () => {
    const instance = new Keyv({ ttl: 1 });
    const store = open(instance);
    await store.create('users', 'u1', 'Ann');
    await sleep(20);
    expect(await store.get('users', 'u1')).toMatchObject({ value: 'Ann' });
    await store.close();
    await instance.set('theirs', 1, 0);
    expect(await instance.get('theirs')).toBe(1);
  });

  it('with its expired rows is cleared, an hour later at the latest', async () => {
    let time = Date.UTC(2026, 10, 23, 4, 30);
    const adapter = new Slow();
    const store = keyv({ keyv: new Keyv({ store: adapter }), now: () => time });
    await store.sweep();
    const empty = adapter.rows.size;
    const options = { index: { user: 'ann' }, expiresAt: time + 60_000 };
    for (let at = 0; at < 20; at += 1) await store.create('sessions', `s${at}`, at, options);
    expect(adapter.rows.size).toBeGreaterThan(empty + 20);
    time += 2 * 3_600_000;
    await store.sweep();
    expect(adapter.rows.size).toBe(empty);
  });
});
