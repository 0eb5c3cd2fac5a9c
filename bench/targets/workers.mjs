import { availableParallelism } from 'node:os';
import { inTurn, ratio } from '../measure.mjs';
import { shortChat } from '../work/short-chat.mjs';

/** For two workers, the upstream and the load generator. */
const CORES_NEEDED = 4;

export default {
  name: 'target-workers',
  async measure(context) {
    const subjects = [await context.cast.get('one-worker'), await context.cast.get('two-workers')];
    const work = { ...shortChat, connections: 64 };
    const [one, two] = await inTurn(
      subjects.map((subject) => ({ work, subject })),
      context,
    );
    const cores = availableParallelism();
    return [
      {
        what: 'Short chat, requests/s: two workers ÷ one, on one SQLite file',
        note:
          cores < CORES_NEEDED
            ? `on ${cores} cores, which the load generator and the upstream have a part of: none to spare`
            : `on ${cores} cores`,
        measured: ratio(two, one, 'rate'),
        unit: '×',
        atLeast: 1.7,
      },
    ];
  },
};
