/** A store with many users and a long history: nothing that a request or a report does gets slower with it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../src/core/store/open.js';
import type { Hold, Store } from '../../src/core/store/port.js';
import { type Kind, type Place, startPlace } from './places.js';
import { FULL, report } from './report.js';
import { type Amount, DAYS, DILIGENT, FIRST_DAY, seed, userName } from './seed.js';

const MANY: Amount = FULL ? { users: 100_000, rows: 1_000_000 } : { users: 2_000, rows: 20_000 };
const FEW: Amount = { users: 10, rows: 1_000 };
const MONTH = { from: dayAt(0), to: dayAt(DAYS) };
const MEGABYTE = 2 ** 20;

function dayAt(day: number): string {
  return new Date(FIRST_DAY + day * 86_400_000).toISOString().slice(0, 13);
}

describe.each<Kind>(['sqlite', 'redis', 'postgres'])('a full store on %s', (kind) => {
  let place: Place;
  let store: Store;
  beforeAll(async () => {
    place = await startPlace(kind);
    store = await openStore(place.url);
    await seed(place, store, MANY);
  }, 900_000);
  afterAll(async () => {
    await store?.close();
    await place?.stop();
  });

  it('admits as fast as one with ten users', async () => {
    const other = await startPlace(kind);
    onTestFinished(() => other.stop());
    const small = await openStore(other.url);
    onTestFinished(() => small.close());
    await seed(other, small, FEW);
    const times: Record<'few' | 'many', number[]> = { few: [], many: [] };
    // In turn, so that both meet the same machine.
    for (let at = 0; at < 600; at += 1) {
      times.few.push(await admission(small, at % FEW.users, `few-${at}`));
      // As many users as there: who comes for the first time has counters to be made, in any store.
      const user = ((at % FEW.users) * 7919) % MANY.users;
      times.many.push(await admission(store, user, `many-${at}`));
    }
    const [few, many] = [median(times.few.slice(100)), median(times.many.slice(100))];
    expect(many / few).toBeLessThan(2);
    const words = `${many.toFixed(2)} ms, ${few.toFixed(2)} ms with 10 users (x${(many / few).toFixed(2)})`;
    report(`Admission and settlement with ${amountOf(MANY)}`, kind, words);
  }, 120_000);

  it('reports the month of one user at once', async () => {
    const times: number[] = [];
    for (let run = 0; run < 9; run += 1) {
      const start = performance.now();
      let requests = 0;
      for await (const row of store.usage({ ...MONTH, subject: DILIGENT, by: 'day' }))
        requests += row.requests;
      times.push(performance.now() - start);
      expect(requests).toBe(24 * DAYS);
    }
    expect(median(times)).toBeLessThan(50);
    report(`One user's month out of ${amountOf(MANY)}`, kind, `${median(times).toFixed(1)} ms`);
  });

  it('streams the month of all users in little memory', async () => {
    const before = heap();
    const start = performance.now();
    let count = 0;
    let most = 0;
    for await (const { requests } of store.usage({ ...MONTH, by: 'hour' })) {
      count += requests;
      if (count % 50_000 === 0) most = Math.max(most, heap() - before);
    }
    const seconds = (performance.now() - start) / 1000;
    expect(count).toBe(MANY.rows);
    expect(most).toBeLessThan(100 * MEGABYTE);
    const words = `${seconds.toFixed(1)} s, at most ${Math.ceil(most / MEGABYTE)} MB`;
    report(`All users' month, streamed by the hour, out of ${amountOf(MANY)}`, kind, words);
  }, 240_000);
});

/** Milliseconds for what every request of a model asks of the store. */
async function admission(store: Store, user: number, id: string): Promise<number> {
  const subject = userName(user);
  const claims: Hold['claims'] = ['requests:day', 'requests:hour', 'tokens:day', 'tokens:hour'].map((key) => {
    const counts = key.startsWith('requests') ? 'requests' : 'tokens';
    return { key, counts, max: 1_000_000, expiresAt: Date.now() + 86_400_000 };
  });
  const hour = new Date().toISOString().slice(0, 13);
  const hold: Hold = { id, subject, claims, usage: { gateway: 'openai', model: 'gpt-4', hour } };
  const start = performance.now();
  expect(await store.get('users', subject)).toBeDefined();
  const reserved = await store.reserve(
    hold,
    { least: 1, most: 100, share: 20 },
    { lease: 30_000, sentAt: Date.now() },
  );
  await store.settle(hold, {
    requests: 1,
    promptTokens: 3,
    completionTokens: 4,
    errors: 0,
    aborted: 0,
    latencyMs: 5,
  });
  const took = performance.now() - start;
  expect(reserved.ok).toBe(true);
  return took;
}

/** Bytes in use, once what is not is gone. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  return process.memoryUsage().heapUsed;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function amountOf({ users, rows }: Amount): string {
  return `${users.toLocaleString('en-US')} users and ${rows.toLocaleString('en-US')} hourly rows`;
}
