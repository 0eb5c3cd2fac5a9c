import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/core/store/port.js';
import { type Bench, collect, EVER, holdOn, reserve } from '../suite.js';

export function testClosing(bench: Bench): void {
  describe('the store', () => {
    it('is healthy while open, and rejects everything once closed', async () => {
      await expect(bench.store.health()).resolves.toBeUndefined();
      await bench.store.close();
      await expect(bench.store.health()).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(bench.store.get('users', 'u1')).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(reserve(bench, holdOn(bench))).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(collect(bench.store.usage(EVER))).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(bench.store.close()).resolves.toBeUndefined();
    });
  });
}
