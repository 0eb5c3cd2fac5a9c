/**
 * Asks the registry for known vulnerabilities in what the package brings along: `npm audit` without what only
 * developers need. `node scripts/check-vulnerabilities.mjs [SECONDS]`
 *
 * Exit code 1 for one of high or critical severity. A registry that has no such endpoint, as many mirrors, or that does
 * not answer in time, is no fault of the code: that the check could not be made is said, and nothing else.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const GRAVE = ['high', 'critical'];
const seconds = Number(process.argv[2] ?? 60);

const { stdout, error, signal } = spawnSync('npm', ['audit', '--omit=dev', '--json', '--fetch-retries=0'], {
  cwd: resolve(import.meta.dirname, '..'),
  encoding: 'utf8',
  timeout: seconds * 1_000,
  killSignal: 'SIGKILL',
  // Its output may be of any length.
  maxBuffer: 2 ** 28,
});

const report = signal || error ? undefined : parse(stdout);
if (report?.vulnerabilities === undefined) {
  const why = signal || error ? `no answer within ${seconds} seconds` : (report?.message ?? 'no answer');
  console.log(`NOT CHECKED for known vulnerabilities: the registry does not tell (${why}).`);
  console.log('Run this script where registry.npmjs.org can be reached.');
} else {
  const found = Object.values(report.vulnerabilities);
  for (const { name, severity, range, via } of found) {
    const titles = via.map((one) => (typeof one === 'string' ? `through ${one}` : `${one.title} ${one.url}`));
    console.log(`${severity}: ${name} ${range}: ${titles.join('; ')}`);
  }
  const grave = found.filter(({ severity }) => GRAVE.includes(severity));
  console.log(
    `${found.length} packages with known vulnerabilities, ${grave.length} of them high or critical.`,
  );
  if (grave.length > 0) process.exitCode = 1;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
