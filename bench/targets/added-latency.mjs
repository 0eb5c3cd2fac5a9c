import { shortChat } from '../work/short-chat.mjs';
import { added } from './added.mjs';

const RATE = 500;
const AT_MOST = new Map([
  [0.5, 1],
  [0.99, 5],
]);

export default {
  name: 'target-added-latency',
  async measure(context) {
    const results = await added(shortChat, { rate: RATE, shares: [...AT_MOST.keys()] }, context);
    return results.map(({ share, measured, late }) => ({
      what: `Latency added to a short chat at ${RATE} requests/s, fixed schedule: p${share * 100}`,
      note: `the generator itself was ${late.toFixed(1)} ms late`,
      measured,
      unit: 'ms',
      atMost: AT_MOST.get(share),
    }));
  },
};
