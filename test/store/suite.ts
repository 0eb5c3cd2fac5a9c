/**
 * The conformance suite of stores: every driver runs it, so that all keep the promises of the port.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'vitest';
import type { Charge, Claim, Counter, Hold, Reserved, Store, Wanted } from '../../src/core/store/port.js';
import { testClosing } from './suite/closing.js';
import { testHistory } from './suite/history.js';
import { testLeases } from './suite/leases.js';
import { testModel } from './suite/model.js';
import { testRecords } from './suite/records.js';
import { testReserve } from './suite/reserve.js';
import { testSettle } from './suite/settle.js';
import { testSweep } from './suite/sweep.js';

export interface SuiteOptions {
  /** The driver takes `now`: leases and expiries are tested without waiting. */
  fakeClock?: boolean;
}

/** What the parts of the suite are given: one fresh store for each test. */
export interface Bench {
  readonly store: Store;
  readonly fakeClock: boolean;
  /** A length of time, in milliseconds, that is short to wait for. */
  readonly span: number;
  now(): number;
  /** Lets time go by: the clock's, or real time. */
  pass(ms: number): Promise<void>;
}

/**
 * @param open a store of its own for each call, empty; `now` is the clock to use where the driver takes one
 */
export function testStore(
  name: string,
  open: (options: { now?: () => number }) => Promise<Store>,
  { fakeClock = false }: SuiteOptions = {},
): void {
  describe(name, () => {
    let store: Store;
    let time = 0;
    const bench: Bench = {
      get store() {
        return store;
      },
      fakeClock,
      span: fakeClock ? 60_000 : 300,
      now: () => (fakeClock ? time : Date.now()),
      async pass(ms) {
        if (fakeClock) time += ms;
        else await sleep(ms);
      },
    };

    beforeEach(async () => {
      time = Date.UTC(2026, 10, 23, 4, 30);
      store = await open(fakeClock ? { now: bench.now } : {});
      // What is done once, such as making tables, takes longer than some of the times that are tested.
      await store.health();
    });
    afterEach(() => store.close());

    testRecords(bench);
    testReserve(bench);
    testLeases(bench);
    testSettle(bench);
    testSweep(bench);
    testHistory(bench);
    testModel(bench);
    testClosing(bench);
  });
}

/** A counter of which nothing is used or held. */
export const NOTHING: Counter = { used: 0, held: 0 };

/** A range for the history that takes in everything. */
export const EVER = { from: '2000-01-01T00', to: '2100-01-01T00', by: 'hour' } as const;

export const NO_TOKENS: Wanted = { least: 0, most: 0, share: 1 };

/** All of `tokens`, or nothing. */
export function exactly(tokens: number): Wanted {
  return { least: tokens, most: tokens, share: 1 };
}

export function charged(fields: Partial<Charge> = {}): Charge {
  return {
    requests: 1,
    promptTokens: 0,
    completionTokens: 0,
    errors: 0,
    aborted: 0,
    latencyMs: 0,
    ...fields,
  };
}

/** A hold on requests and tokens of an hour and a day. */
export function holdOn(
  bench: Bench,
  limits: { requests?: number | null; tokens?: number | null; dayTokens?: number | null } = {},
  fields: Partial<Hold> = {},
): Hold {
  const claim = (key: string, counts: Claim['counts'], max: number | null = null): Claim => {
    return { key, counts, max, expiresAt: bench.now() + 48 * 3_600_000 };
  };
  return {
    id: randomUUID(),
    subject: 'ann',
    claims: [
      claim('requests:hour', 'requests', limits.requests),
      claim('requests:day', 'requests'),
      claim('tokens:hour', 'tokens', limits.tokens),
      claim('tokens:day', 'tokens', limits.dayTokens),
    ],
    usage: { gateway: 'openai', model: 'llama2', hour: '2026-11-23T04' },
    ...fields,
  };
}

/** As {@link holdOn}, of several requests. */
export function severalOn(bench: Bench, requests: number, limits: Parameters<typeof holdOn>[1]): Hold {
  const hold = holdOn(bench, limits);
  return {
    ...hold,
    claims: hold.claims.map((claim) => (claim.counts === 'requests' ? { ...claim, requests } : claim)),
  };
}

export function reserve(
  { store, now, span }: Bench,
  hold: Hold,
  wanted: Wanted = NO_TOKENS,
  lease = span,
): Promise<Reserved> {
  return store.reserve(hold, wanted, { lease, sentAt: now() });
}

export function countersOf(store: Store, hold: Hold) {
  return store.counters(
    hold.subject,
    hold.claims.map(({ key }) => key),
  );
}

export async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** Registers a test where days can be made to pass; the same driver runs the suite with such a clock, too. */
export function onFakeClock({ fakeClock }: Bench, name: string, run: () => Promise<void>): void {
  if (fakeClock) it(name, run);
}
