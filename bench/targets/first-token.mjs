import { shortStream } from '../work/short-chat.mjs';
import { added } from './added.mjs';

const RATE = 100;
/** The first word of the upstream. */
const FIRST = Buffer.from(' How');
/** A real pace, so that the first token comes alone. */
const work = { ...shortStream, pace: 5 };

export default {
  name: 'target-first-token',
  async measure(context) {
    const [{ measured }] = await added(work, { rate: RATE, until: FIRST, shares: [0.5] }, context);
    return [
      { what: `Time to the first token, added at ${RATE} streams/s: p50`, measured, unit: 'ms', atMost: 1 },
    ];
  },
};
