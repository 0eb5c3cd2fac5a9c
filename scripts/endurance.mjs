/** Runs a file of test/endurance in its long form, and makes a page's tables of what it says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const DOCUMENT = fileURLToPath(new URL('../docs/endurance.md', import.meta.url));
const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const KINDS = ['sqlite', 'redis', 'postgres'];

/**
 * Ends the process: with 1 where something does not hold.
 * @param name `soak`
 * @param defaults minutes, store and rate where the command line names none
 */
export async function run(name, defaults) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: String(defaults.minutes) },
      store: { type: 'string', default: defaults.store },
      rate: { type: 'string', default: String(defaults.rate) },
      seed: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
    },
  });
  const [minutes, rate, seed] = [values.minutes, values.rate, values.seed].map(Number);
  if (!(minutes > 0 && minutes <= 1_440)) fail('--minutes is a number, up to 1440.');
  if (!(rate > 0 && rate <= 1_000)) fail('--rate is a number of requests a second, up to 1000.');
  if (!Number.isSafeInteger(seed)) fail('--seed is a whole number.');
  if (!KINDS.includes(values.store)) fail(`--store is one of ${KINDS.join(', ')}.`);

  const directory = mkdtempSync(join(tmpdir(), 'parallama-endurance-'));
  const results = join(directory, 'results');
  writeFileSync(results, '');
  const options = { minutes, store: values.store, rate, seed, results };
  const child = spawn(process.execPath, [VITEST, 'run', `test/endurance/${name}.test.ts`], {
    env: { ...process.env, PARALLAMA_ENDURANCE: JSON.stringify(options) },
    stdio: ['ignore', 2, 2],
  });
  const [code] = await once(child, 'exit');
  const tables = readFileSync(results, 'utf8').split('\n').filter(Boolean).map(JSON.parse);
  rmSync(directory, { recursive: true });

  const text = tables.map(({ rows }) => markdown(rows)).join('\n\n');
  console.log(text);
  if (code !== 0) fail('Something does not hold: see the failed test above.');
  if (values.write)
    write(name, `npm run ${name} -- --minutes ${minutes} --store ${values.store} --seed ${seed}`, text);
}

function write(name, command, text) {
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${availableParallelism()} cores (${cpus()[0].model}), ${Math.round(totalmem() / 2 ** 30)} GB`;
  const about = `Made by \`${command} --write\` on ${date}: ${machine}, Node ${process.versions.node}.`;
  const place = new RegExp(`(<!-- npm run ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
  const page = readFileSync(DOCUMENT, 'utf8');
  writeFileSync(
    DOCUMENT,
    page.replace(place, (_, start, end) => `${start}\n${about}\n\n${text}\n\n${end}`),
  );
}

function markdown([head, ...rows]) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
