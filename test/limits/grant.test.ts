import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstGrant, topUp } from '../../src/core/limits/grant.js';

test('a bound of the client is held in full, a missing one a little at a time', () => {
  expect(firstGrant(20, 100, true)).toEqual({ least: 21, most: 120, share: 1 });
  expect(firstGrant(20, undefined, true)).toEqual({ least: 21, most: 276, share: 20 });
  expect(firstGrant(20, undefined, false)).toEqual({ least: 20, most: 20, share: 1 });
  expect(topUp(3)).toEqual({ least: 3, most: 258, share: 20 });
});

test('whatever is asked for, no hold leaves the safe integers', () => {
  const numbers = fc.oneof(
    fc.integer({ min: 1 }),
    fc.constantFrom(Number.MAX_SAFE_INTEGER, 8e300, Number.POSITIVE_INFINITY),
  );
  fc.assert(
    fc.property(fc.nat(), numbers, fc.boolean(), (prompt, maxTokens, generates) => {
      const { least, most } = firstGrant(prompt, maxTokens, generates);
      expect(most).toBeGreaterThanOrEqual(least);
      expect(Number.isSafeInteger(1_000 * most)).toBe(true);
    }),
  );
});
