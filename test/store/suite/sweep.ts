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
  severalOn,
} from '../suite.js';

const DAY = 24 * 3_600_000;

export function testSweep(bench: Bench): void {
  describe('sweep', () => {
    it('leaves running holds alone', async () => {
      await reserve(bench, holdOn(bench), exactly(100));
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 0 });
      expect((await countersOf(bench.store, holdOn(bench)))[2]).toEqual({ used: 0, held: 100 });
    });

    it('gives back a hold of which nothing is known, and a request held by it', async () => {
      const hold = holdOn(bench, { requests: 1 });
      await reserve(bench, hold, exactly(100));
      await bench.pass(bench.span + 20);
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 1 });
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 0 });
      expect(await countersOf(bench.store, hold)).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
      expect(await collect(bench.store.usage(EVER))).toEqual([]);
    });

    it('gives back all requests of a hold of several, charged those that are known', async () => {
      const hold = severalOn(bench, 5, { requests: 9 });
      await reserve(bench, hold, exactly(100));
      await bench.store.renew([{ hold, known: charged({ requests: 2 }) }], bench.span);
      await bench.pass(bench.span + 20);
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 1 });
      expect((await countersOf(bench.store, hold)).slice(0, 2)).toEqual([
        { used: 2, held: 0 },
        { used: 2, held: 0 },
      ]);
    });

    it('is kept by no hold from ending the others, whatever numbers it has', async () => {
      const large = { ...holdOn(bench), subject: 'bob' };
      await reserve(bench, large, exactly(8 * Number.MAX_SAFE_INTEGER));
      const hold = holdOn(bench);
      await reserve(bench, hold, exactly(100));
      await bench.pass(bench.span + 20);
      for (let call = 0; call < 5; call += 1) await bench.store.sweep();
      expect((await countersOf(bench.store, hold))[2]).toEqual(NOTHING);
      const [requests] = await countersOf(bench.store, large);
      expect(requests).toEqual(NOTHING);
    });

    it('charges what is known, and writes it into the history', async () => {
      const hold = holdOn(bench);
      await reserve(bench, hold, exactly(100));
      await bench.store.renew([{ hold, known: charged({ promptTokens: 3, aborted: 1 }) }], bench.span);
      await bench.pass(bench.span + 20);
      await bench.store.sweep();
      expect((await countersOf(bench.store, hold)).slice(1, 3)).toEqual([
        { used: 1, held: 0 },
        { used: 3, held: 0 },
      ]);
      expect(await collect(bench.store.usage(EVER))).toMatchObject([
        { requests: 1, promptTokens: 3, aborted: 1 },
      ]);
    });

    it('ends each hold once though several sweep', async () => {
      for (let at = 0; at < 30; at += 1) await reserve(bench, holdOn(bench), exactly(2));
      await bench.pass(bench.span + 20);
      const sweeps = await Promise.all(Array.from({ length: 5 }, () => bench.store.sweep()));
      expect(sweeps.reduce((sum, { expiredHolds }) => sum + expiredHolds, 0)).toBe(30);
      expect(await countersOf(bench.store, holdOn(bench))).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
    });

    it('gets through more holds than fit into one step', async () => {
      for (let at = 0; at < 450; at += 1) await reserve(bench, holdOn(bench), exactly(1), 1);
      await bench.pass(bench.span);
      let ended = 0;
      for (let call = 0; call < 20 && ended < 450; call += 1)
        ended += (await bench.store.sweep()).expiredHolds;
      expect(ended).toBe(450);
      expect((await countersOf(bench.store, holdOn(bench)))[2]).toEqual(NOTHING);
    });

    onFakeClock(bench, 'remembers ended holds for a day', async () => {
      const settled = holdOn(bench);
      await bench.store.settle(settled, charged());
      await bench.pass(DAY - 1000);
      await bench.store.sweep();
      expect(await bench.store.settle(settled, charged())).toBe(false);
      await bench.pass(2000);
      await bench.store.sweep();
      expect(await reserve(bench, settled)).toMatchObject({ ok: true });
    });

    onFakeClock(bench, 'forgets counters when they expire, but never what is held', async () => {
      const hold = holdOn(bench);
      await bench.store.settle(holdOn(bench), charged({ promptTokens: 5 }));
      await reserve(bench, hold, exactly(100), 5 * DAY);
      await bench.pass(3 * DAY);
      await bench.store.sweep();
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 5, held: 100 });
      await bench.store.settle(hold, charged({ promptTokens: 1 }));
      await bench.store.sweep();
      expect(await countersOf(bench.store, hold)).toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
    });
  });
}
