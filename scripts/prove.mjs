/**
 * What is promised of the stores, shown: four gateway processes on SQLite, Redis and PostgreSQL, killed, frozen and
 * filled. Runs the tests of test/stores in their long form and makes a table of what they say.
 *
 *   npm run prove              prints the table
 *   npm run prove -- --write   puts it into docs/stores.md
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DOCUMENT = fileURLToPath(new URL('../docs/stores.md', import.meta.url));
const TABLE = /(<!-- npm run prove -->\n)[\s\S]*?(<!-- end -->)/;
const KINDS = ['sqlite', 'redis', 'postgres'];
/** Where a claim has another one's row, its words are told apart by this. */
const NOTES = ['redis cluster'];

const directory = mkdtempSync(join(tmpdir(), 'parallama-prove-'));
const file = join(directory, 'results');
writeFileSync(file, '');
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
// One file at a time: they measure.
const child = spawn(process.execPath, [vitest, 'run', 'test/stores', '--no-file-parallelism'], {
  env: { ...process.env, PARALLAMA_PROVE: file },
  stdio: ['ignore', 2, 2],
});
const [code] = await once(child, 'exit');
const results = readFileSync(file, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line));
rmSync(directory, { recursive: true });

const table = tableOf(results);
console.log(table);
if (code !== 0) {
  console.error('Something does not hold: see the failed tests above.');
  process.exit(1);
}
if (process.argv.includes('--write')) {
  const date = new Date().toISOString().slice(0, 10);
  const about = `Made by \`npm run prove -- --write\` on ${date}, ${availableParallelism()} cores, Node ${process.versions.node}.`;
  const text = readFileSync(DOCUMENT, 'utf8');
  writeFileSync(DOCUMENT, text.replace(TABLE, `$1\n${about}\n\n${table}\n\n$2`));
}

function tableOf(results) {
  const claims = [...new Set(results.map(({ claim }) => claim))];
  const said = (claim, kind) => results.find((each) => each.claim === claim && each.kind === kind)?.result;
  const rows = claims.map((claim) => {
    const notes = NOTES.filter((kind) => said(claim, kind)).map((kind) => `${kind}: ${said(claim, kind)}`);
    const cells = KINDS.map((kind) => said(claim, kind) ?? '-');
    return [[claim, ...notes].join('<br>'), ...cells];
  });
  return [['', 'SQLite', 'Redis', 'PostgreSQL'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
