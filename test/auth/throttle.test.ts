import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  createThrottle,
  FAILURES_PER_ADDRESS,
  FAILURES_PER_NAME,
  LOGIN_WINDOW,
  type Throttle,
} from '../../src/core/auth/throttle.js';
import { sqlite } from '../../src/core/store/sqlite.js';
import { failure, outcomes } from './parts.js';
import { cleanUp, describeStores } from './stores.js';

/** A clock that stands in the middle of a window: no test runs over its end. */
const STEADY = (Math.floor(Date.now() / LOGIN_WINDOW) + 0.5) * LOGIN_WINDOW;
const steady = { now: () => STEADY };

const fail = async () => undefined;
const succeed = async () => 'welcome';

async function failTimes(throttle: Throttle, times: number, attempt: { name?: string; ip?: string }) {
  for (let n = 0; n < times; n += 1) await throttle.guard(attempt, fail);
}

describeStores('the login throttle', (open) => {
  it('gives back what the check gives', async () => {
    const throttle = createThrottle({ store: await open(steady), ...steady });
    expect(await throttle.guard({ name: 'ann', ip: '10.0.0.1' }, succeed)).toBe('welcome');
    expect(await throttle.guard({ name: 'ann', ip: '10.0.0.1' }, fail)).toBeUndefined();
    expect(await throttle.guard({}, succeed)).toBe('welcome');
  });

  it('refuses a name after ten failures, in any case and from any address, without a check', async () => {
    let now = 1_000 * LOGIN_WINDOW + 60_000;
    const throttle = createThrottle({ store: await open({ now: () => now }), now: () => now });
    await failTimes(throttle, FAILURES_PER_NAME, { name: 'ann', ip: '10.0.0.1' });
    let checked = false;
    const error = await failure(
      throttle.guard({ name: 'ANN', ip: '10.0.0.2' }, async () => {
        checked = true;
        return 'welcome';
      }),
    );
    expect(error).toMatchObject({ kind: 'too_many_logins', status: 429, headers: { 'retry-after': '840' } });
    expect(String(error)).not.toMatch(/ann/i);
    expect(checked).toBe(false);
    expect(await throttle.guard({ name: 'bea', ip: '10.0.0.1' }, succeed)).toBe('welcome');
    now += 840_000;
    expect(await throttle.guard({ name: 'ann', ip: '10.0.0.1' }, succeed)).toBe('welcome');
  });

  it('refuses an address after a hundred failures over any names', async () => {
    const throttle = createThrottle({ store: await open(steady), ...steady });
    for (let n = 0; n < FAILURES_PER_ADDRESS; n += 1)
      await throttle.guard({ name: `user${n}`, ip: '10.0.0.1' }, fail);
    const refused = await failure(throttle.guard({ name: 'ann', ip: '::ffff:10.0.0.1' }, succeed));
    expect(refused).toMatchObject({ kind: 'too_many_logins' });
    expect(await throttle.guard({ name: 'ann', ip: '10.0.0.2' }, succeed)).toBe('welcome');
  });

  it('takes the addresses of one IPv6 network for one', async () => {
    const throttle = createThrottle({ store: await open(steady), ...steady });
    await failTimes(throttle, FAILURES_PER_ADDRESS, { ip: '2001:db8:0:1::1' });
    const guard = (ip: string) => throttle.guard({ ip }, succeed);
    for (const same of ['2001:DB8:0:1:ffff::2', '2001:0db8::0001:0:0:0:3', '2001:db8:0:1:1:2:3:4%eth0']) {
      expect(await failure(guard(same))).toMatchObject({ kind: 'too_many_logins' });
    }
    for (const other of ['2001:db8:0:2::1', '2001:db8::1', '::1', '::', '10.0.0.1', 'unknown']) {
      expect(await guard(other)).toBe('welcome');
    }
  });

  it('counts neither successes nor failures of our own', async () => {
    const throttle = createThrottle({ store: await open(steady), ...steady });
    const attempt = { name: 'ann', ip: '10.0.0.1' };
    await failTimes(throttle, FAILURES_PER_NAME - 1, attempt);
    for (let n = 0; n < 20; n += 1) {
      await throttle.guard(attempt, succeed);
      const broken = throttle.guard(attempt, async () => {
        throw new Error('away');
      });
      await expect(broken).rejects.toThrow('away');
    }
    await failTimes(throttle, 1, attempt);
    expect(await failure(throttle.guard(attempt, succeed))).toMatchObject({ kind: 'too_many_logins' });
  });

  it('lets exactly ten of 200 concurrent guesses through', async () => {
    const throttle = createThrottle({ store: await open(steady), ...steady });
    let guesses = 0;
    const guess = async () => {
      guesses += 1;
      await sleep(5);
      return undefined;
    };
    const calls = Array.from({ length: 200 }, () => throttle.guard({ name: 'ann', ip: '10.0.0.1' }, guess));
    expect(await outcomes(calls)).toEqual({
      ok: FAILURES_PER_NAME,
      too_many_logins: 200 - FAILURES_PER_NAME,
    });
    expect(guesses).toBe(FAILURES_PER_NAME);
  });

  it('lets many right logins of one user in at once', async () => {
    const throttle = createThrottle({ store: await open(steady), ...steady });
    const calls = Array.from({ length: 60 }, () =>
      throttle.guard({ name: 'ann', ip: '10.0.0.1' }, async () => {
        await sleep(5);
        return 'welcome';
      }),
    );
    expect(await outcomes(calls)).toEqual({ ok: 60 });
  });

  it('leaves no history', async () => {
    const store = await open(steady);
    await failTimes(createThrottle({ store, ...steady }), 1, { name: 'ann', ip: '10.0.0.1' });
    const rows = [];
    for await (const row of store.usage({ from: '2000-01-01T00', to: '2100-01-01T00', by: 'hour' }))
      rows.push(row);
    expect(rows).toEqual([]);
  });
});

const { directory, keep } = cleanUp();

it('counts over all stores on one file', async () => {
  const path = `${await directory()}/test.db`;
  const [one, two] = [path, path].map((file) =>
    createThrottle({ store: keep(sqlite({ path: file, ...steady })), ...steady }),
  );
  const calls = [one, two].flatMap((throttle) =>
    Array.from(
      { length: 20 },
      () => throttle?.guard({ name: 'ann' }, fail) ?? Promise.reject(new Error('none')),
    ),
  );
  expect(await outcomes(calls)).toEqual({ ok: FAILURES_PER_NAME, too_many_logins: 40 - FAILURES_PER_NAME });
});
