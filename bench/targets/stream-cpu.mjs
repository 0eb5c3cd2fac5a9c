import { ratio } from '../measure.mjs';
import longStream from '../work/long-stream.mjs';

export default {
  name: 'target-stream-cpu',
  async measure(context) {
    const { subjects } = await context.resultOf(longStream, ['sqlite', 'translator']);
    const [sqlite, relay] = ['sqlite', 'translator'].map((name) =>
      subjects.find((each) => each.name === name),
    );
    return [
      {
        what: 'Streamed chat of 200 tokens, CPU per token: Parallama, SQLite ÷ bare relay',
        measured: ratio(sqlite.rounds, relay.rounds, 'cpu'),
        unit: '×',
        atMost: 1.2,
      },
    ];
  },
};
