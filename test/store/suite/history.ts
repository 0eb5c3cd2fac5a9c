import { describe, expect, it } from 'vitest';
import type { GatewayName } from '../../../src/core/contract.js';
import type { UsageQuery } from '../../../src/core/store/port.js';
import { type Bench, charged, collect, holdOn } from '../suite.js';

export function testHistory(bench: Bench): void {
  const use = async (
    subject: string,
    hour: string,
    { gateway = 'openai' as GatewayName, model = 'm', tokens = 1 } = {},
  ): Promise<void> => {
    const hold = holdOn(bench, {}, { subject, usage: { gateway, model, hour } });
    await bench.store.settle(
      hold,
      charged({ promptTokens: tokens, completionTokens: 10 * tokens, latencyMs: 7 }),
    );
  };
  const rows = async (query: Partial<UsageQuery>) => {
    const all = { from: '2026-11-01T00', to: '2026-12-01T00', by: 'hour', ...query } as const;
    const found = await collect(bench.store.usage(all));
    return found.map((row) => [row.at, row.subject, row.gateway, row.model, row.requests, row.promptTokens]);
  };

  describe('history', () => {
    it('adds up by hour, subject, gateway and model, in that order', async () => {
      await use('bob', '2026-11-23T04');
      await use('ann', '2026-11-23T05', { model: 'z' });
      await use('ann', '2026-11-23T05', { gateway: 'ollama', model: 'z' });
      await use('ann', '2026-11-23T05', { model: 'a', tokens: 2 });
      await use('ann', '2026-11-23T05', { model: 'a', tokens: 3 });
      await use('ann', '2026-11-23T04');
      expect(await rows({})).toEqual([
        ['2026-11-23T04', 'ann', 'openai', 'm', 1, 1],
        ['2026-11-23T04', 'bob', 'openai', 'm', 1, 1],
        ['2026-11-23T05', 'ann', 'ollama', 'z', 1, 1],
        ['2026-11-23T05', 'ann', 'openai', 'a', 2, 5],
        ['2026-11-23T05', 'ann', 'openai', 'z', 1, 1],
      ]);
    });

    it('adds up by day, every figure', async () => {
      await use('ann', '2026-11-23T23', { tokens: 2 });
      await use('ann', '2026-11-24T00', { tokens: 3 });
      await use('bob', '2026-11-24T01', { tokens: 4 });
      await use('ann', '2026-11-24T23', { tokens: 5 });
      expect(await rows({ by: 'day' })).toEqual([
        ['2026-11-23', 'ann', 'openai', 'm', 1, 2],
        ['2026-11-24', 'ann', 'openai', 'm', 2, 8],
        ['2026-11-24', 'bob', 'openai', 'm', 1, 4],
      ]);
      const query = { from: '2026-11-24T00', to: '2026-11-25T00', by: 'day', subject: 'ann' } as const;
      const figures = {
        requests: 2,
        promptTokens: 8,
        completionTokens: 80,
        errors: 0,
        aborted: 0,
        latencyMs: 14,
      };
      expect(await collect(bench.store.usage(query))).toEqual([
        { at: '2026-11-24', subject: 'ann', gateway: 'openai', model: 'm', ...figures },
      ]);
    });

    it('takes the first hour in and the last one out, in the middle of a day too', async () => {
      for (const hour of ['03', '04', '05', '06']) await use('ann', `2026-11-23T${hour}`);
      const range = { from: '2026-11-23T04', to: '2026-11-23T06' };
      expect((await rows(range)).map(([at]) => at)).toEqual(['2026-11-23T04', '2026-11-23T05']);
      expect(await rows({ ...range, by: 'day' })).toEqual([['2026-11-23', 'ann', 'openai', 'm', 2, 2]]);
      expect(await rows({ from: '2026-11-23T04', to: '2026-11-23T04' })).toEqual([]);
      expect(await rows({ from: '2026-11-24T00', to: '2026-11-25T00' })).toEqual([]);
    });

    it('filters by subject and by gateway', async () => {
      await use('ann', '2026-11-23T04');
      await use('ann', '2026-11-23T04', { gateway: 'ollama' });
      await use('bob', '2026-11-23T04');
      expect((await rows({ subject: 'ann' })).map(([, , gateway]) => gateway)).toEqual(['ollama', 'openai']);
      expect((await rows({ gateway: 'openai' })).map(([, subject]) => subject)).toEqual(['ann', 'bob']);
      expect(await rows({ subject: 'bob', gateway: 'ollama' })).toEqual([]);
    });

    it('forgets what is older than a day, however much it is, and nothing else', async () => {
      const kept = ['2026-11-23T00', '2026-11-24T04'];
      for (const hour of ['2026-09-30T23', '2026-11-22T00', '2026-11-22T23', ...kept]) {
        for (const subject of ['ann', 'bob']) await use(subject, hour);
      }
      let calls = 0;
      while (await bench.store.forgetUsage('2026-11-23')) calls += 1;
      expect(calls).toBeLessThan(10);
      for (const by of ['hour', 'day'] as const) {
        const left = await rows({ from: '2026-01-01T00', by });
        expect(left.map(([at]) => at)).toEqual(
          kept.flatMap((at) => [at, at].map((each) => each.slice(0, by === 'day' ? 10 : 13))),
        );
      }
      expect(await rows({ from: '2026-01-01T00', subject: 'bob' })).toHaveLength(2);
      expect(await bench.store.forgetUsage('2026-11-23')).toBe(false);
    });

    it('can be left before its end, and read while others write', async () => {
      for (let hour = 10; hour < 20; hour += 1) await use('ann', `2026-11-23T${hour}`);
      const seen: string[] = [];
      const query = { from: '2026-11-01T00', to: '2026-12-01T00', by: 'hour' } as const;
      for await (const { at } of bench.store.usage(query)) {
        seen.push(at);
        await use('bob', '2026-11-02T00');
        if (seen.length === 3) break;
      }
      expect(seen).toEqual(['2026-11-23T10', '2026-11-23T11', '2026-11-23T12']);
      expect(await rows({ subject: 'bob' })).toEqual([['2026-11-02T00', 'bob', 'openai', 'm', 3, 3]]);
    });
  });
}
