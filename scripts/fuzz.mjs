/**
 * Tries what test/fuzz tries, more often and with other seeds, until the time is over or something fails.
 *
 *   npm run fuzz                            five minutes, from a seed made of the time
 *   npm run fuzz -- --minutes 60 --seed 7
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** How many times as often as in the tests, for each seed. */
const FACTOR = 10;
const MINUTE = 60_000;

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes ?? 5);
const first = Number(values.seed ?? Date.now() % 1_000_000);
if (!(minutes > 0) || !Number.isSafeInteger(first)) {
  console.error('usage: npm run fuzz -- [--minutes NUMBER] [--seed WHOLE_NUMBER]');
  process.exit(2);
}

const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const end = Date.now() + minutes * MINUTE;
for (let seed = first; Date.now() < end; seed += 1) {
  console.log(`seed ${seed}`);
  const child = spawn(
    process.execPath,
    [vitest, 'run', 'test/fuzz', '--maxWorkers=1', `--testTimeout=${10 * MINUTE}`, '--reporter=dot'],
    {
      env: { ...process.env, PARALLAMA_FUZZ_SEED: String(seed), PARALLAMA_FUZZ_FACTOR: String(FACTOR) },
      stdio: 'inherit',
    },
  );
  const [code] = await once(child, 'exit');
  if (code !== 0) {
    console.error(`seed ${seed} fails: npm run fuzz -- --seed ${seed} finds it again`);
    process.exit(1);
  }
}
