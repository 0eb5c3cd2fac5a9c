/** The command's options. */
import { parseArgs } from 'node:util';
import { SUBJECTS } from './subjects/subjects.mjs';
import { TARGETS } from './targets/targets.mjs';
import { WORK } from './work/work.mjs';

const FULL = { rounds: 5, seconds: 2, hold: 60 };
const QUICK = { rounds: 2, seconds: 0.5, hold: 10 };

export function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      subjects: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      connections: { type: 'string' },
      hold: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const preset = values.quick ? QUICK : FULL;
  const number = (name) => {
    const value = Number(values[name] ?? preset[name]);
    if (values[name] === undefined || value > 0) return value;
    throw new Error(`--${name} is a number above 0.`);
  };
  const only = chosen(
    'only',
    values.only,
    [...WORK, ...TARGETS].map(({ name }) => name),
  );
  const subjects = chosen('subjects', values.subjects, Object.keys(SUBJECTS));
  if (values.write && (only || subjects))
    throw new Error('--write is for the whole: not with --only or --subjects.');
  return {
    only,
    subjects,
    rounds: number('rounds'),
    seconds: number('seconds'),
    hold: number('hold'),
    connections: values.connections === undefined ? undefined : number('connections'),
    json: values.json,
    write: values.write,
  };
}

function chosen(option, list, known) {
  const names = list?.split(',');
  const wrong = names?.filter((name) => !known.includes(name)) ?? [];
  if (wrong.length > 0) throw new Error(`--${option}: ${wrong.join(', ')} is none of ${known.join(', ')}.`);
  return names;
}
