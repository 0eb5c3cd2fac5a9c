/** Runs pytest in a process of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds; what hangs must not stay behind when the test gives up. */
const LIMIT = 240_000;

export interface PytestRun {
  /** Tests that ran and passed. */
  passed: number;
  /** What pytest printed; empty where all tests ran and passed. */
  trouble: string;
}

export interface PytestOptions {
  python: string;
  /** Where pytest finds its configuration. */
  directory: string;
  /** Files; all tests of the directory where absent. */
  files?: string[];
  env: Record<string, string>;
}

export async function runPytest({ python, directory, files = [], env }: PytestOptions): Promise<PytestRun> {
  const scratch = await mkdtemp(join(tmpdir(), 'parallama-pytest-'));
  const report = join(scratch, 'report.xml');
  const args = ['-m', 'pytest', '--quiet', `--junit-xml=${report}`, ...files];
  const options = {
    cwd: directory,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env },
    maxBuffer: 2 ** 26,
    timeout: LIMIT,
  };
  try {
    const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
      execFile(python, args, options, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? (error ? error.message : 0), output: stdout + stderr }),
      );
    });
    const xml = await readFile(report, 'utf8').catch(() => '');
    const count = (name: string) =>
      Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
    const skipped = count('skipped');
    const passed = count('tests') - count('failures') - count('errors') - skipped;
    return { passed, trouble: code === 0 && skipped === 0 ? '' : `pytest ended with ${code}\n${output}` };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
