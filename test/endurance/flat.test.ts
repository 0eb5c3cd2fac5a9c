import { describe, expect, test } from 'vitest';
import { trendOf } from './flat.js';

const MINUTE = 60_000;
const readings = (valueAt: (minute: number) => number) =>
  Array.from({ length: 30 }, (_, minute) => ({ at: minute * MINUTE, value: valueAt(minute) }));

describe('what a process keeps', () => {
  test('is flat where it only swings', () => {
    const trend = trendOf(
      readings((minute) => 40 + (minute % 2)),
      { factor: 1.1, more: 5 },
    );
    expect(trend).toMatchObject({ before: 40.5, after: 40.5, flat: true });
    expect(Math.abs(trend.slope)).toBeLessThan(1);
  });

  test('may grow while it warms up', () => {
    const warming = readings((minute) => Math.min(40, 10 + minute * 4));
    expect(trendOf(warming, { factor: 1.1, more: 5 })).toMatchObject({ before: 40, after: 40, flat: true });
  });

  test('is not flat where it grows on', () => {
    const trend = trendOf(
      readings((minute) => 40 + minute),
      { factor: 1.1, more: 5 },
    );
    expect(trend).toMatchObject({ before: 54.5, after: 64.5, flat: true });
    expect(trend.slope).toBeCloseTo(60);
    expect(
      trendOf(
        readings((minute) => 40 + 2 * minute),
        { factor: 1.1, more: 5 },
      ).flat,
    ).toBe(false);
  });
});
