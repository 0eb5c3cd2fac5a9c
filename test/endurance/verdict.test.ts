import { describe, expect, test } from 'vitest';
import type { Answer } from './answers.js';
import { CALAMITIES, type Calamity } from './calamities.js';
import { objectionTo } from './verdict.js';

const answer = (more: Partial<Answer>): Answer => ({
  user: { id: '1', username: 'anna', key: 'pk_live_anna' },
  name: 'llama-1',
  slot: 0,
  began: 100,
  ended: 200,
  status: 200,
  retry: true,
  end: 'told',
  tokens: 0,
  text: '',
  ...more,
});
/** While the calamity has hit the first gateway. */
const during = (calamity: Calamity, more: Partial<Answer>) =>
  objectionTo(answer(more), [{ calamity, slot: 0, from: 150, to: 180 }]);

describe('an answer', () => {
  test('in full needs no excuse, and one that the client left needs none', () => {
    expect(objectionTo(answer({ end: 'full' }), [])).toBeUndefined();
    expect(objectionTo(answer({ end: 'left', status: 0 }), [])).toBeUndefined();
  });

  test('of 401 or 500 has none', () => {
    for (const calamity of Object.values(CALAMITIES)) {
      expect(during(calamity, { status: 401 })).toMatch(/^401/);
      expect(during(calamity, { status: 500 })).toMatch(/^500/);
    }
  });

  test('of 503 is excused by the store, while it is away and with Retry-After', () => {
    const { storeFrozen, upstreamKilled } = CALAMITIES;
    expect(during(storeFrozen, { status: 503 })).toBeUndefined();
    expect(during(storeFrozen, { status: 503, retry: false })).toBeDefined();
    expect(during(storeFrozen, { status: 503, began: 181 })).toBeDefined();
    expect(during(upstreamKilled, { status: 503 })).toBeDefined();
    expect(during(upstreamKilled, { status: 502 })).toBeUndefined();
  });

  test('that breaks is excused by the death of its own gateway alone', () => {
    const { gatewayKilled, gatewayEnded, storeKilled } = CALAMITIES;
    const broken = { end: 'broken' } as const;
    expect(during(gatewayKilled, broken)).toBeUndefined();
    expect(during(gatewayKilled, { ...broken, slot: 1 })).toBeDefined();
    expect(during(gatewayEnded, broken)).toBeDefined();
    expect(during(gatewayEnded, { ...broken, status: 0 })).toBeUndefined();
    expect(during(storeKilled, broken)).toBeDefined();
  });
});
