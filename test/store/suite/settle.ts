import { describe, expect, it } from 'vitest';
import {
  type Bench,
  charged,
  collect,
  countersOf,
  EVER,
  exactly,
  holdOn,
  NOTHING,
  onFakeClock,
  reserve,
} from '../suite.js';

export function testSettle(bench: Bench): void {
  describe('settle', () => {
    it('turns what was held into what was used, and writes the history', async () => {
      const hold = holdOn(bench, { requests: 10, tokens: 1000 });
      await reserve(bench, hold, exactly(100));
      const charge = charged({ promptTokens: 11, completionTokens: 22, latencyMs: 333.4 });
      expect(await bench.store.settle(hold, charge)).toBe(true);
      const tokens = { used: 33, held: 0 };
      const one = { used: 1, held: 0 };
      expect(await countersOf(bench.store, hold)).toEqual([one, one, tokens, tokens]);
      expect(await collect(bench.store.usage(EVER))).toEqual([
        {
          at: '2026-11-23T04',
          subject: 'ann',
          gateway: 'openai',
          model: 'llama2',
          ...{ requests: 1, promptTokens: 11, completionTokens: 22, errors: 0, aborted: 0, latencyMs: 333 },
        },
      ]);
    });

    it('counts once, however often it is told', async () => {
      const hold = holdOn(bench);
      await reserve(bench, hold, exactly(100));
      const charge = charged({ completionTokens: 9 });
      const answers = await Promise.all(Array.from({ length: 20 }, () => bench.store.settle(hold, charge)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await bench.store.settle(hold, charged({ completionTokens: 50 }))).toBe(false);
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 9, held: 0 });
      expect(await collect(bench.store.usage(EVER))).toMatchObject([{ requests: 1, completionTokens: 9 }]);
    });

    it('gives a request back, and leaves no trace where nothing happened', async () => {
      const hold = holdOn(bench, { requests: 1 });
      await reserve(bench, hold, exactly(100));
      await bench.store.settle(hold, charged({ requests: 0, latencyMs: 12 }));
      expect(await countersOf(bench.store, hold)).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
      expect(await collect(bench.store.usage(EVER))).toEqual([]);
      expect(await reserve(bench, holdOn(bench, { requests: 1 }))).toMatchObject({ ok: true });
    });

    it('counts an error and an abort of a request that was given back', async () => {
      const hold = holdOn(bench);
      await reserve(bench, hold, exactly(100));
      await bench.store.settle(hold, charged({ requests: 0, errors: 1, aborted: 1, latencyMs: 5 }));
      expect((await countersOf(bench.store, hold))[0]).toEqual(NOTHING);
      expect(await collect(bench.store.usage(EVER))).toMatchObject([
        { requests: 0, promptTokens: 0, errors: 1, aborted: 1, latencyMs: 5 },
      ]);
    });

    it('charges more than was held where more was used', async () => {
      const hold = holdOn(bench, { tokens: 100 });
      await reserve(bench, hold, exactly(100));
      await bench.store.settle(hold, charged({ promptTokens: 130 }));
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 130, held: 0 });
      expect(await reserve(bench, holdOn(bench, { tokens: 100 }))).toMatchObject({ ok: false, at: 2 });
    });

    it('charges a hold that the store does not know in full, once', async () => {
      const hold = holdOn(bench);
      expect(await bench.store.settle(hold, charged({ promptTokens: 8 }))).toBe(true);
      expect(await bench.store.settle(hold, charged({ promptTokens: 8 }))).toBe(false);
      expect((await countersOf(bench.store, hold)).slice(1, 3)).toEqual([
        { used: 1, held: 0 },
        { used: 8, held: 0 },
      ]);
      expect(await collect(bench.store.usage(EVER))).toMatchObject([{ requests: 1, promptTokens: 8 }]);
    });

    it('settles a hold whose lease ran out before any sweep', async () => {
      const hold = holdOn(bench);
      await reserve(bench, hold, exactly(100));
      await bench.pass(bench.span + 20);
      expect(await bench.store.settle(hold, charged({ promptTokens: 8 }))).toBe(true);
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 0 });
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 8, held: 0 });
    });

    it('corrects a hold that was swept by the difference, once', async () => {
      const hold = holdOn(bench);
      await reserve(bench, hold, exactly(100));
      const known = charged({ promptTokens: 10, completionTokens: 20, latencyMs: 50 });
      await bench.store.renew([{ hold, known }], bench.span);
      await bench.pass(bench.span + 20);
      await bench.store.sweep();
      const total = charged({ promptTokens: 8, completionTokens: 42, aborted: 1, latencyMs: 70 });
      expect(await bench.store.settle(hold, total)).toBe(true);
      expect(await bench.store.settle(hold, total)).toBe(false);
      expect((await countersOf(bench.store, hold)).slice(1, 3)).toEqual([
        { used: 1, held: 0 },
        { used: 50, held: 0 },
      ]);
      expect(await collect(bench.store.usage(EVER))).toMatchObject([
        { requests: 1, promptTokens: 8, completionTokens: 42, aborted: 1, latencyMs: 70 },
      ]);
    });

    it('gives back what the sweep charged where the request came to nothing', async () => {
      const hold = holdOn(bench);
      await reserve(bench, hold, exactly(100));
      await bench.store.renew([{ hold, known: charged({ promptTokens: 10 }) }], bench.span);
      await bench.pass(bench.span + 20);
      await bench.store.sweep();
      await bench.store.settle(hold, charged({ requests: 0 }));
      expect(await countersOf(bench.store, hold)).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
    });

    onFakeClock(bench, 'takes nothing back below zero from a counter that was forgotten', async () => {
      const HOUR = 3_600_000;
      const claims = holdOn(bench).claims.map((claim) => ({ ...claim, expiresAt: bench.now() + HOUR }));
      const hold = holdOn(bench, {}, { claims });
      await reserve(bench, hold, exactly(100));
      await bench.store.renew([{ hold, known: charged({ promptTokens: 10 }) }], bench.span);
      await bench.pass(bench.span + 20);
      await bench.store.sweep();
      await bench.pass(3 * HOUR);
      await bench.store.sweep();
      await bench.store.settle(holdOn(bench), charged({ promptTokens: 2 }));
      await bench.store.settle(hold, charged({ promptTokens: 3 }));
      expect((await countersOf(bench.store, hold)).slice(1, 3)).toEqual([
        { used: 1, held: 0 },
        { used: 0, held: 0 },
      ]);
    });
  });
}
