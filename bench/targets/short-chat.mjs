import { cpuNote, ratio } from '../measure.mjs';
import { shortChat } from '../work/short-chat.mjs';

const WANTED = [
  { ours: 'sqlite', other: 'translator', atLeast: 0.6 },
  { ours: 'sqlite', other: 'portkey', atLeast: 5 },
  { ours: 'redis', other: 'translator', atLeast: 0.45 },
];

export default {
  name: 'target-short-chat',
  async measure(context) {
    const names = [...new Set(WANTED.flatMap(({ ours, other }) => [ours, other]))];
    const { subjects } = await context.resultOf(shortChat, names);
    const find = (name) => subjects.find((subject) => subject.name === name);
    return WANTED.flatMap(({ ours, other, atLeast }) => {
      const [one, two] = [find(ours), find(other)];
      if (!one || !two) return [];
      return {
        what: `Short chat, requests/s: ${one.title} ÷ ${two.title}`,
        note: cpuNote(one.rounds, two.rounds),
        measured: ratio(one.rounds, two.rounds, 'rate'),
        unit: '×',
        atLeast,
      };
    });
  },
};
