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
  /** An expression of marks; tests that it does not fit are left out. */
  marks?: string;
  /** Where the JUnit XML is kept; it is thrown away where absent. */
  report?: string;
  env: Record<string, string>;
}

export async function runPytest(options: PytestOptions): Promise<PytestRun> {
  const { python, directory, files = [], env } = options;
  const scratch = await mkdtemp(join(tmpdir(), 'parallama-pytest-'));
  const report = options.report ?? join(scratch, 'report.xml');
  const marks = options.marks ? ['-m', options.marks] : [];
  const args = ['-m', 'pytest', '--quiet', `--junit-xml=${report}`, ...marks, ...files];
  const settings = {
    cwd: directory,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env },
    maxBuffer: 2 ** 26,
    timeout: LIMIT,
  };
  try {
    const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
      execFile(python, args, settings, (error, stdout, stderr) =>
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
