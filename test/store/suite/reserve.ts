import { describe, expect, it } from 'vitest';
import type { Hold } from '../../../src/core/store/port.js';
import { StoreUnavailable } from '../../../src/core/store/port.js';
import {
  type Bench,
  charged,
  collect,
  countersOf,
  EVER,
  exactly,
  holdOn,
  NO_TOKENS,
  NOTHING,
  reserve,
  severalOn,
} from '../suite.js';

const DAY = 24 * 3_600_000;

export function testReserve(bench: Bench): void {
  describe('reserve', () => {
    it('holds one request and the tokens on every counter', async () => {
      const hold = holdOn(bench, { requests: 10, tokens: 1000 });
      const one = { used: 0, held: 1 };
      const tokens = { used: 0, held: 100 };
      const counters = [one, one, tokens, tokens];
      expect(await reserve(bench, hold, exactly(100))).toEqual({
        ok: true,
        granted: 100,
        left: 1000,
        counters,
      });
      expect(await countersOf(bench.store, hold)).toEqual(counters);
    });

    it('keeps subjects and keys apart, and knows unknown counters as zero', async () => {
      await reserve(bench, holdOn(bench), exactly(100));
      expect(await bench.store.counters('bob', ['tokens:hour', 'requests:hour'])).toEqual([NOTHING, NOTHING]);
      expect(await bench.store.counters('ann', ['never', 'tokens:hour'])).toEqual([
        NOTHING,
        { used: 0, held: 100 },
      ]);
      expect(await bench.store.counters('ann', [])).toEqual([]);
    });

    it.each([
      ['takes a share of what is left beyond the least', { least: 100, most: 10_000, share: 20 }, 145],
      ['rounds the share down', { least: 7, most: 10_000, share: 300 }, 10],
      ['takes all it can with a share of 1', { least: 100, most: 10_000, share: 1 }, 1000],
      ['never takes more than the most', { least: 100, most: 120, share: 1 }, 120],
      ['takes the least where it is all that is left', { least: 1000, most: 5000, share: 4 }, 1000],
      ['takes no token where none is wanted', NO_TOKENS, 0],
    ])('%s', async (_, wanted, granted) => {
      const hold = holdOn(bench, { tokens: 5000, dayTokens: 1000 });
      expect(await reserve(bench, hold, wanted)).toMatchObject({ ok: true, granted, left: 1000 });
      expect((await countersOf(bench.store, hold))[3]).toEqual({ used: 0, held: granted });
    });

    it('takes the most where no token counter has a limit, and counts it all the same', async () => {
      const hold = holdOn(bench, { requests: 1 });
      const wanted = { least: 1, most: 4096, share: 20 };
      expect(await reserve(bench, hold, wanted)).toMatchObject({ ok: true, granted: 4096, left: null });
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 0, held: 4096 });
    });

    it('holds as many requests as its claims say, or none of them', async () => {
      const hold = severalOn(bench, 8, { requests: 10, tokens: 1000 });
      expect(await reserve(bench, hold, exactly(100))).toMatchObject({ ok: true, granted: 100 });
      const eight = { used: 0, held: 8 };
      expect((await countersOf(bench.store, hold)).slice(0, 2)).toEqual([eight, eight]);
      expect(await reserve(bench, severalOn(bench, 3, { requests: 10 }))).toMatchObject({ ok: false, at: 0 });
      expect((await countersOf(bench.store, hold)).slice(0, 2)).toEqual([eight, eight]);
      expect(await reserve(bench, severalOn(bench, 2, { requests: 10 }))).toMatchObject({ ok: true });
      const known = charged();
      expect(await bench.store.extend(hold, exactly(50), { lease: bench.span, known })).toMatchObject({
        ok: true,
        granted: 50,
      });
      await bench.store.settle(hold, charged({ requests: 3, promptTokens: 7 }));
      const [requests, , tokens] = await countersOf(bench.store, hold);
      expect([requests, tokens]).toEqual([
        { used: 3, held: 2 },
        { used: 7, held: 0 },
      ]);
    });

    it('serves holds that count requests alone', async () => {
      const claims = [{ key: 'tries', counts: 'requests', max: 2, expiresAt: bench.now() + DAY }] as const;
      const tries = (id: string): Hold => ({ id, subject: 'login', claims: [...claims] });
      expect(await reserve(bench, tries('1'))).toMatchObject({ ok: true, granted: 0, left: null });
      await bench.store.settle(tries('1'), charged());
      expect(await reserve(bench, tries('2'))).toMatchObject({ ok: true });
      expect(await reserve(bench, tries('3'))).toMatchObject({ ok: false, at: 0 });
      expect(await collect(bench.store.usage(EVER))).toEqual([]);
    });

    it('refuses a request over the limit, names the claim and changes nothing', async () => {
      const limits = { requests: 2, tokens: 1000 };
      await bench.store.settle(holdOn(bench, limits), charged({ promptTokens: 5 }));
      expect(await reserve(bench, holdOn(bench, limits), exactly(10))).toMatchObject({ ok: true });
      const refused = holdOn(bench, limits);
      const before = await countersOf(bench.store, refused);
      expect(await reserve(bench, refused, exactly(10))).toEqual({ ok: false, at: 0, counters: before });
      expect(await countersOf(bench.store, refused)).toEqual(before);
      expect(await bench.store.renew([{ hold: refused, known: charged() }], 1000)).toEqual([refused.id]);
    });

    it('refuses where the least does not fit, names the claim and changes nothing', async () => {
      const limits = { requests: 9, tokens: 5000, dayTokens: 1000 };
      await reserve(bench, holdOn(bench, limits), exactly(901));
      const refused = holdOn(bench, limits);
      const before = await countersOf(bench.store, refused);
      const wanted = { least: 100, most: 500, share: 1 };
      expect(await reserve(bench, refused, wanted)).toEqual({ ok: false, at: 3, counters: before });
      expect(await countersOf(bench.store, refused)).toEqual(before);
      expect(await reserve(bench, refused, { ...wanted, least: 99 })).toMatchObject({
        ok: true,
        granted: 99,
      });
    });

    it('names the first claim that refuses', async () => {
      const limits = { requests: 0, tokens: 0, dayTokens: 0 };
      expect(await reserve(bench, holdOn(bench, limits), exactly(1))).toMatchObject({ ok: false, at: 0 });
      expect(await reserve(bench, holdOn(bench, { ...limits, requests: 1 }), exactly(1))).toMatchObject({
        at: 2,
      });
    });

    it('refuses where a limit was lowered below what is used, even for no tokens', async () => {
      await bench.store.settle(holdOn(bench), charged({ promptTokens: 50 }));
      expect(await reserve(bench, holdOn(bench, { tokens: 49 }))).toMatchObject({ ok: false, at: 2 });
      expect(await reserve(bench, holdOn(bench, { tokens: 50 }))).toMatchObject({
        ok: true,
        granted: 0,
        left: 0,
      });
    });

    it('takes a hold id once, whether it is active or ended', async () => {
      const hold = holdOn(bench, { requests: 10, tokens: 1000 });
      await reserve(bench, hold, exactly(100));
      const before = await countersOf(bench.store, hold);
      expect(await reserve(bench, hold, exactly(100))).toEqual({ ok: false, at: -1, counters: before });
      expect(await countersOf(bench.store, hold)).toEqual(before);
      await bench.store.settle(hold, charged());
      expect(await reserve(bench, hold, exactly(100))).toMatchObject({ ok: false, at: -1 });
    });

    it('admits exactly the limit of 200 at once', async () => {
      const limits = { requests: 50, tokens: 100_000 };
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => reserve(bench, holdOn(bench, limits), exactly(3))),
      );
      expect(answers.filter(({ ok }) => ok)).toHaveLength(50);
      expect(await countersOf(bench.store, holdOn(bench))).toEqual([
        { used: 0, held: 50 },
        { used: 0, held: 50 },
        { used: 0, held: 150 },
        { used: 0, held: 150 },
      ]);
    });

    it('is not carried out where it comes too late', async () => {
      const hold = holdOn(bench);
      const late = bench.store.reserve(hold, NO_TOKENS, { lease: 1000, sentAt: bench.now() - 60_000 });
      await expect(late).rejects.toBeInstanceOf(StoreUnavailable);
      expect((await countersOf(bench.store, hold))[0]).toEqual(NOTHING);
      expect(await reserve(bench, hold)).toMatchObject({ ok: true });
    });
  });
}
