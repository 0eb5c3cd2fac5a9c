/**
 * What the gateway costs, beside peers and baselines in the same run, in turn.
 *
 *   npm run bench                               all of it, in about 20 minutes
 *   npm run bench -- --write                    the same, put into docs/performance.md
 *   npm run bench -- --quick                    shorter and rougher
 *   npm run bench -- --only short-chat,target-refused --subjects translator,sqlite
 *
 *   --rounds N, --seconds N      how often each is measured, and for how long
 *   --connections N              of the load generator
 *   --hold N                     seconds for which 1,000 streams are watched
 *   --json FILE                  every round, not the medians alone
 */
import { existsSync, writeFileSync } from 'node:fs';
import { removeDirectories } from './directories.mjs';
import { machine } from './machine.mjs';
import { measure } from './measure.mjs';
import { readOptions } from './options.mjs';
import { writePage } from './page.mjs';
import { startOwn, stopAll } from './processes/start.mjs';
import { about, targetTable, workSection } from './report.mjs';
import { postgres, redis, stopServices } from './services.mjs';
import { createCast } from './subjects/subjects.mjs';
import { TARGETS } from './targets/targets.mjs';
import { WORK } from './work/work.mjs';

const options = readOptions();
if (!existsSync('/proc/self/schedstat'))
  throw new Error('The benchmark needs Linux: it reads CPU times from /proc.');
const wanted = ({ name }) => options.only?.includes(name) ?? true;
const place = machine();
process.once('exit', () => {
  stopAll();
  removeDirectories();
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const upstream = await startOwn('upstream.mjs');
const cast = createCast({ upstream, services: { redis, postgres } });
const results = [];
const context = {
  cast,
  upstream,
  options,
  /** What was measured already where it has these subjects, else measured now. */
  async resultOf(work, names) {
    const has = ({ subjects }) =>
      names.every((name) => cast.missing.has(name) || subjects.some((subject) => subject.name === name));
    return (
      results.find((result) => result.work === work.name && has(result)) ?? measure(work, context, names)
    );
  },
};

const sections = [];
const targets = [];
try {
  for (const work of WORK.filter(wanted)) {
    const names = work.subjects.filter((name) => options.subjects?.includes(name) ?? true);
    if (names.length === 0) continue;
    const result = await measure(work, context, names);
    results.push(result);
    sections.push(workSection(work, result));
    console.log(`${sections.at(-1)}\n`);
  }
  for (const target of TARGETS.filter(wanted)) {
    const rows = await target.measure(context);
    targets.push(...rows);
    console.log(`${targetTable(rows)}\n`);
  }
} finally {
  await stopServices();
}

if (options.write) {
  const date = new Date().toISOString().slice(0, 10);
  writePage(
    [
      about({ date, machine: place, options, missing: cast.missing }),
      ...['## Targets', targetTable(targets), '## Kinds of work', ...sections],
    ].join('\n\n'),
  );
}
if (options.json) {
  writeFileSync(options.json, JSON.stringify({ machine: place, options, results, targets }, null, 2));
}
process.exit();
