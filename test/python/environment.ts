/** Virtual environments for tests in Python, made once for each list of requirements. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findProgram, installPackage } from '../support/services/debian.js';

const run = promisify(execFile);
export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Where npm keeps what can be made again. */
const CACHE = join(REPOSITORY, 'node_modules', '.cache', 'parallama-python');

const VENV = { debianPackage: 'python3-venv' };
const CAN_MAKE_ENVIRONMENTS =
  'import ensurepip, sys, venv; ensurepip.version(); assert sys.version_info >= (3, 10)';

/**
 * The Python of an environment that has the requirements, all with their versions pinned.
 * `PYTHON` names the Python to make it with, else `python3` on the PATH.
 * @throws Error that says what is missing
 */
export async function pythonWith(requirements: string): Promise<string> {
  const base = await findPython();
  const { stdout } = await run(base, ['-c', 'import sys; print(sys.version, sys.base_prefix)']);
  const key = createHash('sha256')
    .update(stdout)
    .update(await readFile(requirements));
  const directory = join(CACHE, key.digest('hex').slice(0, 16));
  if (!existsSync(directory)) await make(directory, base, requirements);
  return pythonIn(directory);
}

const pythonIn = (directory: string) => join(directory, 'bin', 'python');

/** Under a name of its own until it is whole: another run may be making the same one. */
async function make(directory: string, base: string, requirements: string): Promise<void> {
  const unfinished = `${directory}.${process.pid}`;
  await mkdir(CACHE, { recursive: true });
  try {
    await run(base, ['-m', 'venv', unfinished]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
    await run(pythonIn(unfinished), pip);
    await rename(unfinished, directory).catch((error) => {
      if (!existsSync(directory)) throw error;
    });
  } catch (cause) {
    throw new Error(`The Python packages of ${requirements} could not be installed.`, { cause });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function findPython(): Promise<string> {
  const python = process.env.PYTHON ?? (await findProgram({ ...VENV, name: 'python3', variable: 'PYTHON' }));
  if (await succeeds(python, ['-c', CAN_MAKE_ENVIRONMENTS])) return python;
  // Debian's python3 comes without it.
  await installPackage(VENV.debianPackage);
  if (await succeeds(python, ['-c', CAN_MAKE_ENVIRONMENTS])) return python;
  throw new Error(
    `These tests need Python 3.10 or later with its venv module, and ${python} is too old or lacks it. ` +
      `Install it (Debian: apt-get install ${VENV.debianPackage}), or set PYTHON to one that has it.`,
  );
}

const succeeds = (program: string, args: string[]) =>
  run(program, args).then(
    () => true,
    () => false,
  );
