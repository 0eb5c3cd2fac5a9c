import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startRetention } from '../../src/core/usage/retention.js';

test('forgets what is older than the days given, as long as there is more, and stops', async () => {
  const asked: string[] = [];
  const store = {
    async forgetUsage(before: string) {
      asked.push(before);
      return asked.length < 3;
    },
  };
  const now = () => Date.UTC(2026, 10, 23, 4);
  const retention = startRetention({ store, days: 30, now, onTrouble: () => undefined });
  await sleep(500);
  expect(asked).toEqual(['2026-10-24', '2026-10-24', '2026-10-24']);
  await retention.close();
});

test('says what went wrong, once', async () => {
  const troubles: unknown[] = [];
  const store = { forgetUsage: () => Promise.reject(new Error('away')) };
  const retention = startRetention({ store, days: 30, onTrouble: (error) => void troubles.push(error) });
  await sleep(300);
  expect(troubles).toEqual([new Error('away')]);
  await retention.close();
});
