import { expect, test, vi } from 'vitest';
import { createStop } from '../../src/core/stop.js';

test('a stop is said once, to all who listen', () => {
  const stop = createStop();
  const [first, second, gone] = [vi.fn(), vi.fn(), vi.fn()];
  for (const listener of [first, gone, second]) stop.on(listener);
  stop.off(gone);
  stop.off(vi.fn());
  expect(stop.said).toBe(false);
  stop.say();
  stop.say();
  expect(stop.said).toBe(true);
  expect([first, second, gone].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 0]);
});

test('who listens after it was said is told at once', () => {
  const stop = createStop();
  stop.say();
  const late = vi.fn();
  stop.on(late);
  expect(late).toHaveBeenCalledOnce();
});

test('one that takes another off while it is being said keeps it from nothing', () => {
  const stop = createStop();
  const second = vi.fn();
  stop.on(() => stop.off(second));
  stop.on(second);
  stop.say();
  expect(second).toHaveBeenCalledOnce();
});
