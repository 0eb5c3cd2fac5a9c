/** The benchmark runs, in a form that is too short to say anything about speed. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const COMMAND = resolve(import.meta.dirname, '../../bench/run.mjs');
/** A busy machine starts processes slowly. */
const PATIENCE = 120_000;

interface Round {
  rate: number;
  cpu: number;
  p50: number;
  p99: number;
}

interface Results {
  machine: { cpu: string; cores: number };
  results: { work: string; subjects: { name: string; rounds: Round[] }[] }[];
  targets: { what: string; measured: { median: number } }[];
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parallama-test-'));
});
afterAll(() => rm(directory, { recursive: true }));

const bench = (...options: string[]) => run(process.execPath, [COMMAND, ...options]);

test.runIf(process.platform === 'linux')(
  'two kinds of work and a target are measured',
  async () => {
    const file = join(directory, 'results.json');
    const { stdout } = await bench(
      ...['--only', 'short-chat,short-stream,target-first-token', '--subjects', 'translator,memory'],
      ...['--rounds', '2', '--seconds', '0.2', '--connections', '8', '--json', file],
    );

    const { machine, results, targets } = JSON.parse(await readFile(file, 'utf8')) as Results;
    expect(machine.cores).toBeGreaterThan(0);
    expect(results.map(({ work }) => work)).toEqual(['short-chat', 'short-stream']);
    for (const { subjects } of results) {
      expect(subjects.map(({ name }) => name)).toEqual(['translator', 'memory']);
      for (const { rounds } of subjects) {
        expect(rounds).toHaveLength(2);
        for (const { rate, p50, p99 } of rounds) {
          expect(Math.min(rate, p50, p99)).toBeGreaterThan(0);
          expect(p99).toBeGreaterThanOrEqual(p50);
        }
        // The system counts CPU in hundredths of a second, which a short round may not fill.
        expect(Math.max(...rounds.map(({ cpu }) => cpu))).toBeGreaterThan(0);
      }
    }
    expect(targets).toHaveLength(1);
    expect(targets[0]!.measured.median).toEqual(expect.any(Number));

    expect(stdout).toMatch(
      /### Short chat, streamed\n[\s\S]*\| bare translator \(baseline\) .*\n\| Parallama, memory /,
    );
    expect(stdout).toMatch(/\| Time to the first token.* \| ≤ 1 ms \| .* ms +\| (met|missed by \d+ %) +\|/);
  },
  PATIENCE,
);

test('an option that names nothing is an error that names what there is', async () => {
  await expect(bench('--only', 'shortchat')).rejects.toThrow(/--only: shortchat is none of short-chat, /);
  await expect(bench('--rounds', 'many')).rejects.toThrow('--rounds is a number above 0.');
});
