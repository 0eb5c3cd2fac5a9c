/**
 * What the gateway costs, beside peers and baselines in the same run, in turn.
 *
 *   npm run bench                                  everything
 *   npm run bench -- --quick                       the same, shorter and rougher
 *   npm run bench -- --only short-chat,long-stream --subjects translator,sqlite
 *   npm run bench -- --rounds 3 --seconds 2 --connections 32 --json results.json
 *   npm run bench -- --write                       puts the tables into docs/performance.md
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from './machine.mjs';
import { measure } from './measure.mjs';
import { startOwn, stopAll } from './processes/start.mjs';
import { workSection } from './report.mjs';
import { postgres, redis, stopServices } from './services.mjs';
import { createCast, SUBJECTS } from './subjects/subjects.mjs';
import { WORK } from './work/work.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    subjects: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

function chosen(list, known, option) {
  const names = list?.split(',');
  const wrong = names?.filter((name) => !known.includes(name)) ?? [];
  if (wrong.length > 0) throw new Error(`${option}: ${wrong} is none of ${known.join(', ')}.`);
  return names;
}

const only = chosen(
  values.only,
  WORK.map(({ name }) => name),
  '--only',
);
const options = {
  rounds: Number(values.rounds ?? (values.quick ? 2 : 5)),
  seconds: Number(values.seconds ?? (values.quick ? 0.5 : 2)),
  connections: values.connections && Number(values.connections),
  subjects: chosen(values.subjects, Object.keys(SUBJECTS), '--subjects'),
};

process.once('exit', stopAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

const upstream = await startOwn('upstream.mjs');
const cast = createCast({ upstream, services: { redis, postgres } });
const results = [];
for (const work of WORK) {
  if (only && !only.includes(work.name)) continue;
  const result = await measure(work, { cast, upstream, options });
  if (result.subjects.length === 0) continue;
  results.push(result);
  console.log(`\n${workSection(work, result)}`);
}
if (values.json)
  writeFileSync(values.json, JSON.stringify({ machine: machine(), options, results }, null, 2));
await stopServices();
process.exit();
