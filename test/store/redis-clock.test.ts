import { expect, test } from 'vitest';
import { REMEMBERED, serverClock } from '../../src/core/store/redis/clock.js';

test("a server's time runs on from what it has told", () => {
  const clock = serverClock();
  clock.learn('', 1_000_000);
  const now = performance.now();
  const later = clock.timeAt('', now + 500);
  expect(later - clock.timeAt('', now)).toBeCloseTo(500);
  expect(later).toBeGreaterThanOrEqual(1_000_500);
  expect(clock.timeAt('elsewhere', now)).toBe(0);
});

test('where every user is a place, not all are remembered for ever', () => {
  const clock = serverClock();
  for (let user = 0; user <= REMEMBERED; user += 1) clock.learn(`user-${user}`, 1_000_000);
  expect(clock.timeAt('user-0', performance.now())).toBe(0);
  expect(clock.timeAt('user-1', performance.now())).toBeGreaterThanOrEqual(1_000_000);
});
