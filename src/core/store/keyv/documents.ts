/**
 * JSON documents in a Keyv. A call is a run of steps within one deadline: once its caller has given up, none of its
 * later steps is taken.
 */
import { createHash } from 'node:crypto';
import { STORE_DEADLINE, StoreUnavailable } from '../port.js';

/** What is used of a Keyv. */
export interface KeyvInstance {
  store: unknown;
  throwOnErrors: boolean;
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown, ttl?: number): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: 'error', listener: (error: unknown) => void): unknown;
}

/** What a document is: any texts. */
export type Name = readonly string[];

export interface Turn {
  get<T>(name: Name): Promise<T | undefined>;
  set(name: Name, value: unknown): Promise<void>;
  delete(name: Name): Promise<void>;
  /** Waits until nobody else in this process has the lock of that name. */
  lock<T>(name: Name, work: () => Promise<T>): Promise<T>;
}

export interface Documents {
  /** @throws StoreUnavailable where a step fails, or they take longer than `patience` milliseconds together */
  run<T>(work: (turn: Turn) => Promise<T>, patience?: number): Promise<T>;
  close(): void;
}

export function documents(keyv: KeyvInstance): Documents {
  const locks = new Map<string, Promise<unknown>>();
  /** Some adapters tell failures as events, and answer as if there was nothing. */
  let failures = 0;
  let failure: unknown;
  let closed = false;
  const note = (error: unknown) => {
    failures += 1;
    failure = error;
  };
  keyv.on('error', note);
  // A failed read is "not found" otherwise, on either of them.
  keyv.throwOnErrors = true;
  if (hidesErrors(keyv.store)) keyv.store.throwOnErrors = true;

  /** One step: it fails where its adapter does, or said meanwhile that something did. */
  async function step<T>(end: number, call: () => Promise<T>): Promise<T> {
    if (closed) throw new StoreUnavailable('The store is closed.');
    if (performance.now() >= end) throw silent();
    const before = failures;
    let value: T;
    try {
      value = await within(end, call);
    } catch (error) {
      throw error instanceof StoreUnavailable ? error : unavailable(error);
    }
    if (failures !== before) throw unavailable(failure);
    return value;
  }

  async function lock<T>(end: number, name: Name, work: () => Promise<T>): Promise<T> {
    const key = keyOf(name);
    const before = locks.get(key) ?? Promise.resolve();
    const mine = before.then(() => {
      if (performance.now() >= end) throw silent();
      return work();
    });
    const done = mine.catch(() => undefined).finally(() => locks.get(key) === done && locks.delete(key));
    locks.set(key, done);
    return mine;
  }

  return {
    run(work, patience = STORE_DEADLINE) {
      const end = performance.now() + patience;
      return within(end, () =>
        work({
          async get<T>(name: Name) {
            const text = await step(end, () => keyv.get(keyOf(name)));
            return text === undefined || text === null ? undefined : (JSON.parse(String(text)) as T);
          },
          async set(name, value) {
            // 0: whatever life Keyv was told to give to what it keeps, this is kept.
            const done = await step(end, () => keyv.set(keyOf(name), JSON.stringify(value), 0));
            if (done === false) throw new StoreUnavailable('Keyv did not write.');
          },
          async delete(name) {
            await step(end, () => keyv.delete(keyOf(name)));
          },
          lock: (name, inside) => lock(end, name, inside),
        }),
      );
    },
    close() {
      closed = true;
      keyv.off('error', note);
    },
  };
}

/** Hashed, and in hexadecimal: there are adapters that shorten keys, or do not know `a` from `A`. */
function keyOf(name: Name): string {
  return `parallama-${createHash('sha256').update(JSON.stringify(name)).digest('hex')}`;
}

async function within<T>(end: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silent()), Math.max(0, end - performance.now()));
  });
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function hidesErrors(adapter: unknown): adapter is { throwOnErrors: boolean } {
  return typeof adapter === 'object' && adapter !== null && 'throwOnErrors' in adapter;
}

function silent(): StoreUnavailable {
  return new StoreUnavailable(`Keyv did not answer within ${STORE_DEADLINE} ms.`);
}

function unavailable(cause: unknown): StoreUnavailable {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new StoreUnavailable(`Keyv failed: ${words}`, { cause });
}
