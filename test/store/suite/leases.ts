import { describe, expect, it } from 'vitest';
import type { Hold, Wanted } from '../../../src/core/store/port.js';
import { type Bench, charged, countersOf, exactly, holdOn, NOTHING, reserve } from '../suite.js';

export function testLeases(bench: Bench): void {
  describe('extend', () => {
    const small = { least: 10, most: 10, share: 1 };
    const extend = (hold: Hold, wanted: Wanted, known = charged()) => {
      return bench.store.extend(hold, wanted, { lease: bench.span, known });
    };

    it('adds tokens to the hold by the same rule, and no request', async () => {
      const hold = holdOn(bench, { requests: 1, tokens: 1000 });
      await reserve(bench, hold, exactly(100));
      const answer = await extend(hold, { least: 1, most: 500, share: 9 });
      expect(answer).toEqual({ ok: true, granted: 100, left: 900 });
      expect(await countersOf(bench.store, hold)).toEqual([
        { used: 0, held: 1 },
        { used: 0, held: 1 },
        { used: 0, held: 200 },
        { used: 0, held: 200 },
      ]);
      await bench.store.settle(hold, charged({ requests: 0 }));
      expect(await countersOf(bench.store, hold)).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
    });

    it('takes the most where there is no limit', async () => {
      const hold = holdOn(bench);
      await reserve(bench, hold);
      expect(await extend(hold, small)).toEqual({ ok: true, granted: 10, left: null });
    });

    it('is full where the least is not left, and the request goes on', async () => {
      const hold = holdOn(bench, { tokens: 109 });
      await reserve(bench, hold, exactly(100));
      expect(await extend(hold, small)).toEqual({ ok: false, why: 'full' });
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 0, held: 100 });
      expect(await extend(hold, { least: 1, most: 10, share: 1 })).toMatchObject({ ok: true, granted: 9 });
    });

    it('renews the lease, full or not, and notes what is known', async () => {
      const extended = holdOn(bench, { tokens: 100 });
      const full = holdOn(bench, { tokens: 100 });
      await reserve(bench, extended, exactly(40));
      await reserve(bench, full, exactly(50));
      await bench.pass(bench.span * 0.6);
      const known = charged({ promptTokens: 7 });
      expect(await extend(extended, small, known)).toMatchObject({ ok: true });
      expect(await extend(full, small, known)).toMatchObject({ ok: false, why: 'full' });
      await bench.pass(bench.span * 0.6);
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 0 });
      await bench.pass(bench.span * 0.6);
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 2 });
      expect((await countersOf(bench.store, full))[2]).toEqual({ used: 14, held: 0 });
    });

    it('is gone for a hold that is unknown, settled, out of its lease, or swept', async () => {
      const gone = { ok: false, why: 'gone' };
      expect(await extend(holdOn(bench), small)).toEqual(gone);
      const settled = holdOn(bench);
      await reserve(bench, settled);
      await bench.store.settle(settled, charged());
      expect(await extend(settled, small)).toEqual(gone);
      const expired = holdOn(bench);
      await reserve(bench, expired);
      await bench.pass(bench.span + 20);
      expect(await extend(expired, small)).toEqual(gone);
      await bench.store.sweep();
      expect(await extend(expired, small)).toEqual(gone);
      expect((await countersOf(bench.store, expired))[2]).toEqual(NOTHING);
    });
  });

  describe('renew', () => {
    it('keeps holds alive and names those that are gone', async () => {
      const [kept, lost, settled] = [holdOn(bench), holdOn(bench), holdOn(bench)];
      await reserve(bench, kept, exactly(5));
      await reserve(bench, lost, exactly(5));
      await reserve(bench, settled, exactly(5));
      await bench.store.settle(settled, charged());
      await bench.pass(bench.span * 0.6);
      const known = charged({ promptTokens: 2 });
      expect(await bench.store.renew([{ hold: kept, known }], bench.span)).toEqual([]);
      await bench.pass(bench.span * 0.6);
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 1 });
      const all = [kept, lost, settled].map((hold) => ({ hold, known }));
      expect(await bench.store.renew(all, bench.span)).toEqual([lost.id, settled.id]);
      expect(await bench.store.renew([], bench.span)).toEqual([]);
      await bench.store.settle(kept, charged({ promptTokens: 3 }));
      expect((await countersOf(bench.store, kept))[2]).toEqual({ used: 3, held: 0 });
    });
  });
}
