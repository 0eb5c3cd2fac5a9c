import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Charge, Hold, Store, Wanted } from '../../../src/core/store/port.js';
import { type Bench, charged, countersOf } from '../suite.js';

const LIMITS = { requests: 6, tokens: 100 };
const LEASE = 1000;

type Step =
  | { do: 'reserve'; wanted: Wanted }
  | { do: 'extend'; hold: number; wanted: Wanted; known: Charge }
  | { do: 'renew'; hold: number; known: Charge }
  | { do: 'settle'; hold: number; charge: Charge }
  | { do: 'pass'; ms: number }
  | { do: 'sweep' };

interface ModelHold {
  hold: Hold;
  state: 'absent' | 'active' | 'expired' | 'settled';
  until: number;
  tokens: number;
  known: Charge;
  charged: Charge;
}

const UNCHARGED = charged({ requests: 0 });

const wanted = fc
  .record({ least: fc.nat(20), more: fc.nat(60), share: fc.integer({ min: 1, max: 20 }) })
  .map(({ least, more, share }) => ({ least, most: least + more, share }));
// Within the least grant and its hold, as the gateway sees to: then no counter may ever pass its limit.
const charge = fc
  .record({
    requests: fc.constantFrom(0 as const, 1 as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ requests, part }) => ({ ...charged({ requests }), part }));
const nth = fc.nat(30);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('reserve' as const), wanted }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('extend' as const), hold: nth, wanted, known: charge }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('renew' as const), hold: nth, known: charge }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const), hold: nth, charge }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(LEASE) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'sweep' as const }) },
);

/** Random calls against the store and against the plainest possible account of the same rules. */
export function testModel(bench: Bench): void {
  if (!bench.fakeClock) return;
  describe('any sequence of calls', () => {
    it('keeps to the limits and to the sum of the charges', async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
          run += 1;
          await follow(bench, `user-${run}`, steps);
        }),
        { numRuns: 150 },
      );
    });
  });
}

async function follow(bench: Bench, subject: string, steps: Step[]): Promise<void> {
  const { store } = bench;
  const holds: ModelHold[] = [];
  const expiresAt = bench.now() + 30 * 24 * 3_600_000;
  const claims = (['requests', 'tokens'] as const).map((counts) => {
    return { key: counts, counts, max: LIMITS[counts], expiresAt };
  });
  const alive = ({ state, until }: ModelHold) => state === 'active' && until > bench.now();

  for (const [at, call] of steps.entries()) {
    if (call.do === 'pass') await bench.pass(call.ms);
    if (call.do === 'sweep') {
      await store.sweep();
      for (const each of holds) {
        if (each.state === 'active' && !alive(each)) end(each, 'expired', each.known);
      }
    }
    if (call.do === 'reserve') {
      const hold = { id: `${subject}:${at}`, subject, claims };
      const left = LIMITS.tokens - spent(holds).tokens;
      const granted = granting(left, call.wanted);
      const room = spent(holds).requests < LIMITS.requests;
      const answer = await store.reserve(hold, call.wanted, { lease: LEASE, sentAt: bench.now() });
      if (room && granted !== undefined) expect(answer).toMatchObject({ ok: true, granted, left });
      else expect(answer).toMatchObject({ ok: false, at: room ? 1 : 0 });
      const state = answer.ok ? 'active' : 'absent';
      const until = bench.now() + LEASE;
      holds.push({ hold, state, until, tokens: granted ?? 0, known: UNCHARGED, charged: UNCHARGED });
    }
    if (!('hold' in call) || holds.length === 0) {
      await check(store, holds);
      continue;
    }
    const target = holds[call.hold % holds.length]!;
    if (call.do === 'renew') {
      const known = within(target, call.known);
      const gone = await store.renew([{ hold: target.hold, known }], LEASE);
      expect(gone).toEqual(alive(target) ? [] : [target.hold.id]);
      if (alive(target)) Object.assign(target, { known, until: bench.now() + LEASE });
    }
    if (call.do === 'extend') {
      const known = within(target, call.known);
      const left = LIMITS.tokens - spent(holds).tokens;
      const granted = granting(left, call.wanted);
      const answer = await store.extend(target.hold, call.wanted, { lease: LEASE, known });
      if (!alive(target)) expect(answer).toEqual({ ok: false, why: 'gone' });
      else if (granted === undefined) expect(answer).toEqual({ ok: false, why: 'full' });
      else expect(answer).toEqual({ ok: true, granted, left });
      if (alive(target)) {
        Object.assign(target, { known, until: bench.now() + LEASE, tokens: target.tokens + (granted ?? 0) });
      }
    }
    if (call.do === 'settle') {
      // What the sweep has given back may be somebody else's by now: a late truth must not exceed what it charged.
      const total = target.state === 'active' ? within(target, call.charge) : target.charged;
      expect(await store.settle(target.hold, total)).toBe(target.state !== 'settled');
      if (target.state !== 'settled') end(target, 'settled', total);
    }
    await check(store, holds);
  }
}

async function check(store: Store, holds: ModelHold[]): Promise<void> {
  const some = holds[0]?.hold;
  if (!some) return;
  const [requests, tokens] = await countersOf(store, some);
  const used = { requests: 0, tokens: 0 };
  const held = { requests: 0, tokens: 0 };
  for (const each of holds) {
    used.requests += each.charged.requests;
    used.tokens += each.charged.promptTokens + each.charged.completionTokens;
    if (each.state !== 'active') continue;
    held.requests += 1;
    held.tokens += each.tokens;
  }
  expect(requests).toEqual({ used: used.requests, held: held.requests });
  expect(tokens).toEqual({ used: used.tokens, held: held.tokens });
  expect(requests!.used + requests!.held).toBeLessThanOrEqual(LIMITS.requests);
  expect(tokens!.used + tokens!.held).toBeLessThanOrEqual(LIMITS.tokens);
}

function spent(holds: ModelHold[]): { requests: number; tokens: number } {
  const sum = { requests: 0, tokens: 0 };
  for (const { state, tokens, charged } of holds) {
    sum.requests += state === 'active' ? 1 : charged.requests;
    sum.tokens += state === 'active' ? tokens : charged.promptTokens + charged.completionTokens;
  }
  return sum;
}

function granting(left: number, { least, most, share }: Wanted): number | undefined {
  if (left < least) return undefined;
  return least + Math.min(most - least, Math.floor((left - least) / share));
}

function end(each: ModelHold, state: 'expired' | 'settled', charge: Charge): void {
  each.state = state;
  each.charged = charge;
}

/** Some part of what is held, as prompt and answer. */
function within({ tokens }: ModelHold, { part = 0, ...charge }: Charge & { part?: number }): Charge {
  const sum = Math.floor(tokens * part);
  const promptTokens = Math.floor(sum / 3);
  return { ...charge, promptTokens, completionTokens: sum - promptTokens };
}
