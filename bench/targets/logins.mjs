import { setTimeout as sleep } from 'node:timers/promises';
import { closedLoop } from '../load/closed-loop.mjs';
import { openLoop } from '../load/open-loop.mjs';
import { callOf } from '../measure.mjs';
import { percentile, spread } from '../statistics.mjs';
import logins from '../work/logins.mjs';
import { shortChat } from '../work/short-chat.mjs';

const RATE = 200;
const IN_FLIGHT = 50;
const LEAD = 300;

export default {
  name: 'target-logins',
  async measure({ cast, upstream, options }) {
    const gateway = await cast.get('sqlite');
    upstream.tell({ pace: 0 });
    const milliseconds = options.seconds * 1_000;
    const p99 = async () => {
      const { latencies } = await openLoop({ ...callOf(shortChat, gateway), rate: RATE, milliseconds });
      return percentile(latencies, 0.99);
    };
    await p99();
    const rounds = [];
    for (let i = 0; i < options.rounds; i += 1) {
      const idle = await p99();
      const people = closedLoop({
        ...callOf(logins, gateway),
        connections: IN_FLIGHT,
        milliseconds: milliseconds + 2 * LEAD,
      });
      await sleep(LEAD);
      const busy = await p99();
      await people;
      rounds.push(busy / idle);
    }
    return [
      {
        what: `p99 of short chats at ${RATE} requests/s: with ${IN_FLIGHT} logins in flight ÷ without`,
        measured: spread(rounds),
        unit: '×',
        atMost: 2,
      },
    ];
  },
};
