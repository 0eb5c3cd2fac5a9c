import { describe, expect, it } from 'vitest';
import type { Hold, Wanted } from '../../../src/core/store/port.js';
import { StoreUnavailable } from '../../../src/core/store/port.js';
import { type Bench, charged, collect, countersOf, exactly, holdOn, NO_TOKENS } from '../suite.js';

const DAY = 24 * 3_600_000;
const EVER = { from: '2000-01-01T00', to: '2100-01-01T00', by: 'hour' } as const;

export function testQuotas(bench: Bench): void {
  const reserve = (hold: Hold, wanted: Wanted = NO_TOKENS, lease = bench.span) => {
    return bench.store.reserve(hold, wanted, { lease, sentAt: bench.now() });
  };
  const nothing = { used: 0, held: 0 };

  describe('reserve', () => {
    it('holds one request and the tokens on every counter', async () => {
      const hold = holdOn(bench, { requests: 10, tokens: 1000 });
      const one = { used: 0, held: 1 };
      const tokens = { used: 0, held: 100 };
      const counters = [one, one, tokens, tokens];
      expect(await reserve(hold, exactly(100))).toEqual({ ok: true, granted: 100, left: 1000, counters });
      expect(await countersOf(bench.store, hold)).toEqual(counters);
    });

    it('keeps subjects and keys apart, and knows unknown counters as zero', async () => {
      await reserve(holdOn(bench), exactly(100));
      expect(await bench.store.counters('bob', ['tokens:hour', 'requests:hour'])).toEqual([nothing, nothing]);
      expect(await bench.store.counters('ann', ['never', 'tokens:hour'])).toEqual([
        nothing,
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
      expect(await reserve(hold, wanted)).toMatchObject({ ok: true, granted, left: 1000 });
      expect((await countersOf(bench.store, hold))[3]).toEqual({ used: 0, held: granted });
    });

    it('takes the most where no token counter has a limit, and counts it all the same', async () => {
      const hold = holdOn(bench, { requests: 1 });
      const wanted = { least: 1, most: 4096, share: 20 };
      expect(await reserve(hold, wanted)).toMatchObject({ ok: true, granted: 4096, left: null });
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 0, held: 4096 });
    });

    it('serves holds that count requests alone', async () => {
      const claims = [{ key: 'tries', counts: 'requests', max: 2, expiresAt: bench.now() + DAY }] as const;
      const tries = (id: string): Hold => ({ id, subject: 'login', claims: [...claims] });
      expect(await reserve(tries('1'))).toMatchObject({ ok: true, granted: 0, left: null });
      await bench.store.settle(tries('1'), charged());
      expect(await reserve(tries('2'))).toMatchObject({ ok: true });
      expect(await reserve(tries('3'))).toMatchObject({ ok: false, at: 0 });
      expect(await collect(bench.store.usage(EVER))).toEqual([]);
    });

    it('refuses a request over the limit, names the claim and changes nothing', async () => {
      const limits = { requests: 2, tokens: 1000 };
      await bench.store.settle(holdOn(bench, limits), charged({ promptTokens: 5 }));
      expect(await reserve(holdOn(bench, limits), exactly(10))).toMatchObject({ ok: true });
      const refused = holdOn(bench, limits);
      const before = await countersOf(bench.store, refused);
      expect(await reserve(refused, exactly(10))).toEqual({ ok: false, at: 0, counters: before });
      expect(await countersOf(bench.store, refused)).toEqual(before);
      expect(await bench.store.renew([{ hold: refused, known: charged() }], 1000)).toEqual([refused.id]);
    });

    it('refuses where the least does not fit, names the claim and changes nothing', async () => {
      const limits = { requests: 9, tokens: 5000, dayTokens: 1000 };
      await reserve(holdOn(bench, limits), exactly(901));
      const refused = holdOn(bench, limits);
      const before = await countersOf(bench.store, refused);
      const wanted = { least: 100, most: 500, share: 1 };
      expect(await reserve(refused, wanted)).toEqual({ ok: false, at: 3, counters: before });
      expect(await countersOf(bench.store, refused)).toEqual(before);
      expect(await reserve(refused, { ...wanted, least: 99 })).toMatchObject({ ok: true, granted: 99 });
    });

    it('names the first claim that refuses', async () => {
      const limits = { requests: 0, tokens: 0, dayTokens: 0 };
      expect(await reserve(holdOn(bench, limits), exactly(1))).toMatchObject({ ok: false, at: 0 });
      expect(await reserve(holdOn(bench, { ...limits, requests: 1 }), exactly(1))).toMatchObject({ at: 2 });
    });

    it('refuses where a limit was lowered below what is used, even for no tokens', async () => {
      await bench.store.settle(holdOn(bench), charged({ promptTokens: 50 }));
      expect(await reserve(holdOn(bench, { tokens: 49 }))).toMatchObject({ ok: false, at: 2 });
      expect(await reserve(holdOn(bench, { tokens: 50 }))).toMatchObject({ ok: true, granted: 0, left: 0 });
    });

    it('takes a hold id once, whether it is active or ended', async () => {
      const hold = holdOn(bench, { requests: 10, tokens: 1000 });
      await reserve(hold, exactly(100));
      const before = await countersOf(bench.store, hold);
      expect(await reserve(hold, exactly(100))).toEqual({ ok: false, at: -1, counters: before });
      expect(await countersOf(bench.store, hold)).toEqual(before);
      await bench.store.settle(hold, charged());
      expect(await reserve(hold, exactly(100))).toMatchObject({ ok: false, at: -1 });
    });

    it('admits exactly the limit of 200 at once', async () => {
      const limits = { requests: 50, tokens: 100_000 };
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => reserve(holdOn(bench, limits), exactly(3))),
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
      expect((await countersOf(bench.store, hold))[0]).toEqual(nothing);
      expect(await reserve(hold)).toMatchObject({ ok: true });
    });
  });

  describe('extend', () => {
    const small = { least: 10, most: 10, share: 1 };
    const extend = (hold: Hold, wanted: Wanted, known = charged()) => {
      return bench.store.extend(hold, wanted, { lease: bench.span, known });
    };

    it('adds tokens to the hold by the same rule, and no request', async () => {
      const hold = holdOn(bench, { requests: 1, tokens: 1000 });
      await reserve(hold, exactly(100));
      const answer = await extend(hold, { least: 1, most: 500, share: 9 });
      expect(answer).toEqual({ ok: true, granted: 100, left: 900 });
      expect(await countersOf(bench.store, hold)).toEqual([
        { used: 0, held: 1 },
        { used: 0, held: 1 },
        { used: 0, held: 200 },
        { used: 0, held: 200 },
      ]);
      await bench.store.settle(hold, charged({ requests: 0 }));
      expect(await countersOf(bench.store, hold)).toEqual([nothing, nothing, nothing, nothing]);
    });

    it('takes the most where there is no limit', async () => {
      const hold = holdOn(bench);
      await reserve(hold);
      expect(await extend(hold, small)).toEqual({ ok: true, granted: 10, left: null });
    });

    it('is full where the least is not left, and the request goes on', async () => {
      const hold = holdOn(bench, { tokens: 109 });
      await reserve(hold, exactly(100));
      expect(await extend(hold, small)).toEqual({ ok: false, why: 'full' });
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 0, held: 100 });
      expect(await extend(hold, { least: 1, most: 10, share: 1 })).toMatchObject({ ok: true, granted: 9 });
    });

    it('renews the lease, full or not, and notes what is known', async () => {
      const extended = holdOn(bench, { tokens: 100 });
      const full = holdOn(bench, { tokens: 100 });
      await reserve(extended, exactly(40));
      await reserve(full, exactly(50));
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
      await reserve(settled);
      await bench.store.settle(settled, charged());
      expect(await extend(settled, small)).toEqual(gone);
      const expired = holdOn(bench);
      await reserve(expired);
      await bench.pass(bench.span + 20);
      expect(await extend(expired, small)).toEqual(gone);
      await bench.store.sweep();
      expect(await extend(expired, small)).toEqual(gone);
      expect((await countersOf(bench.store, expired))[2]).toEqual(nothing);
    });
  });

  describe('renew', () => {
    it('keeps holds alive and names those that are gone', async () => {
      const [kept, lost, settled] = [holdOn(bench), holdOn(bench), holdOn(bench)];
      await reserve(kept, exactly(5));
      await reserve(lost, exactly(5));
      await reserve(settled, exactly(5));
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

  describe('settle', () => {
    it('turns what was held into what was used, and writes the history', async () => {
      const hold = holdOn(bench, { requests: 10, tokens: 1000 });
      await reserve(hold, exactly(100));
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
      await reserve(hold, exactly(100));
      const charge = charged({ completionTokens: 9 });
      const answers = await Promise.all(Array.from({ length: 20 }, () => bench.store.settle(hold, charge)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await bench.store.settle(hold, charged({ completionTokens: 50 }))).toBe(false);
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 9, held: 0 });
      expect(await collect(bench.store.usage(EVER))).toMatchObject([{ requests: 1, completionTokens: 9 }]);
    });

    it('gives a request back, and leaves no trace where nothing happened', async () => {
      const hold = holdOn(bench, { requests: 1 });
      await reserve(hold, exactly(100));
      await bench.store.settle(hold, charged({ requests: 0, latencyMs: 12 }));
      expect(await countersOf(bench.store, hold)).toEqual([nothing, nothing, nothing, nothing]);
      expect(await collect(bench.store.usage(EVER))).toEqual([]);
      expect(await reserve(holdOn(bench, { requests: 1 }))).toMatchObject({ ok: true });
    });

    it('counts an error and an abort of a request that was given back', async () => {
      const hold = holdOn(bench);
      await reserve(hold, exactly(100));
      await bench.store.settle(hold, charged({ requests: 0, errors: 1, aborted: 1, latencyMs: 5 }));
      expect((await countersOf(bench.store, hold))[0]).toEqual(nothing);
      expect(await collect(bench.store.usage(EVER))).toMatchObject([
        { requests: 0, promptTokens: 0, errors: 1, aborted: 1, latencyMs: 5 },
      ]);
    });

    it('charges more than was held where more was used', async () => {
      const hold = holdOn(bench, { tokens: 100 });
      await reserve(hold, exactly(100));
      await bench.store.settle(hold, charged({ promptTokens: 130 }));
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 130, held: 0 });
      expect(await reserve(holdOn(bench, { tokens: 100 }))).toMatchObject({ ok: false, at: 2 });
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
      await reserve(hold, exactly(100));
      await bench.pass(bench.span + 20);
      expect(await bench.store.settle(hold, charged({ promptTokens: 8 }))).toBe(true);
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 0 });
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 8, held: 0 });
    });

    it('corrects a hold that was swept by the difference, once', async () => {
      const hold = holdOn(bench);
      await reserve(hold, exactly(100));
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
      await reserve(hold, exactly(100));
      await bench.store.renew([{ hold, known: charged({ promptTokens: 10 }) }], bench.span);
      await bench.pass(bench.span + 20);
      await bench.store.sweep();
      await bench.store.settle(hold, charged({ requests: 0 }));
      expect(await countersOf(bench.store, hold)).toEqual([nothing, nothing, nothing, nothing]);
    });
  });

  describe('sweep', () => {
    it('leaves running holds alone', async () => {
      await reserve(holdOn(bench), exactly(100));
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 0 });
      expect((await countersOf(bench.store, holdOn(bench)))[2]).toEqual({ used: 0, held: 100 });
    });

    it('gives back a hold of which nothing is known, and a request held by it', async () => {
      const hold = holdOn(bench, { requests: 1 });
      await reserve(hold, exactly(100));
      await bench.pass(bench.span + 20);
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 1 });
      expect(await bench.store.sweep()).toEqual({ expiredHolds: 0 });
      expect(await countersOf(bench.store, hold)).toEqual([nothing, nothing, nothing, nothing]);
      expect(await collect(bench.store.usage(EVER))).toEqual([]);
    });

    it('charges what is known, and writes it into the history', async () => {
      const hold = holdOn(bench);
      await reserve(hold, exactly(100));
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
      for (let at = 0; at < 30; at += 1) await reserve(holdOn(bench), exactly(2));
      await bench.pass(bench.span + 20);
      const sweeps = await Promise.all(Array.from({ length: 5 }, () => bench.store.sweep()));
      expect(sweeps.reduce((sum, { expiredHolds }) => sum + expiredHolds, 0)).toBe(30);
      expect(await countersOf(bench.store, holdOn(bench))).toEqual([nothing, nothing, nothing, nothing]);
    });

    it('gets through more holds than fit into one step', async () => {
      for (let at = 0; at < 450; at += 1) await reserve(holdOn(bench), exactly(1), 1);
      await bench.pass(bench.span);
      let ended = 0;
      for (let call = 0; call < 20 && ended < 450; call += 1)
        ended += (await bench.store.sweep()).expiredHolds;
      expect(ended).toBe(450);
      expect((await countersOf(bench.store, holdOn(bench)))[2]).toEqual(nothing);
    });

    it.runIf(bench.fakeClock)('remembers ended holds for seven days', async () => {
      const settled = holdOn(bench);
      await bench.store.settle(settled, charged());
      await bench.pass(7 * DAY - 1000);
      await bench.store.sweep();
      expect(await bench.store.settle(settled, charged())).toBe(false);
      await bench.pass(2000);
      await bench.store.sweep();
      expect(await reserve(settled)).toMatchObject({ ok: true });
    });

    it.runIf(bench.fakeClock)('forgets counters when they expire, but never what is held', async () => {
      const hold = holdOn(bench);
      await bench.store.settle(holdOn(bench), charged({ promptTokens: 5 }));
      await reserve(hold, exactly(100), 5 * DAY);
      await bench.pass(3 * DAY);
      await bench.store.sweep();
      expect((await countersOf(bench.store, hold))[2]).toEqual({ used: 5, held: 100 });
      await bench.store.settle(hold, charged({ promptTokens: 1 }));
      await bench.store.sweep();
      expect(await countersOf(bench.store, hold)).toEqual([nothing, nothing, nothing, nothing]);
    });

    it.runIf(bench.fakeClock)('keeps the longer life where claims on one counter differ', async () => {
      const short = holdOn(bench);
      const long = holdOn(bench);
      for (const claim of long.claims) claim.expiresAt += 2 * DAY;
      await reserve(short);
      await reserve(long);
      await bench.store.settle(long, charged());
      await bench.store.settle(short, charged());
      await bench.pass(3 * DAY);
      await bench.store.sweep();
      expect((await countersOf(bench.store, long))[0]).toEqual({ used: 2, held: 0 });
    });
  });

  describe('the store', () => {
    it('is healthy while open, and rejects everything once closed', async () => {
      await expect(bench.store.health()).resolves.toBeUndefined();
      await bench.store.close();
      await expect(bench.store.health()).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(bench.store.get('users', 'u1')).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(reserve(holdOn(bench))).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(collect(bench.store.usage(EVER))).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(bench.store.close()).resolves.toBeUndefined();
    });
  });
}
