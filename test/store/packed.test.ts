import { expect, test } from 'vitest';
import type { Hold, Reserved } from '../../src/core/store/port.js';
import {
  packReserve,
  packReserved,
  packSettle,
  unpackReserve,
  unpackReserved,
  unpackSettle,
} from '../../src/core/store/sqlite/packed.js';

const HOLD: Hold = {
  id: 'h1',
  subject: 'ada',
  claims: [
    { key: 'openai:requests:day:2026-11-23', counts: 'requests', max: 100, expiresAt: 5 },
    { key: 'openai:tokens:hour:2026-11-23T04', counts: 'tokens', max: null, expiresAt: 6 },
  ],
  usage: { gateway: 'openai', model: 'gpt-4', hour: '2026-11-23T04' },
};
const CHARGE = {
  requests: 1,
  promptTokens: 2,
  completionTokens: 3,
  errors: 4,
  aborted: 5,
  latencyMs: 6,
};

test.each([HOLD, { ...HOLD, claims: [] }, { ...HOLD, usage: undefined }])(
  'what is packed is flat, and comes out as it went in (%#)',
  (hold) => {
    const asked = [hold, { least: 1, most: 2, share: 20 }, { lease: 30_000, sentAt: 7 }] as const;
    const packed = packReserve(...asked);
    expect(packed.filter((each) => typeof each === 'object' && each !== null)).toEqual([]);
    expect(unpackReserve(packed)).toEqual(asked);

    const settled = packSettle(hold, CHARGE);
    expect(settled.filter((each) => typeof each === 'object' && each !== null)).toEqual([]);
    expect(unpackSettle(settled)).toEqual([hold, CHARGE]);
  },
);

test.each<Reserved>([
  { ok: true, granted: 40, left: 960, counters: [{ used: 1, held: 2 }] },
  { ok: true, granted: 40, left: null, counters: [] },
  { ok: false, at: -1, counters: [{ used: 1, held: 2 }] },
])('a reservation comes back as it was answered (%#)', (reserved) => {
  expect(unpackReserved(packReserved(reserved))).toEqual(reserved);
});
