/** Finds the servers that tests run against, and installs them where a Debian image has none. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

export interface Program {
  /** `redis-server` */
  name: string;
  debianPackage: string;
  /** Where it may be when it is not on the PATH; a `*` stands for any name. */
  places?: string[];
  /** The environment variable that names a server to use instead, where one can: `REDIS_URL`. */
  variable?: string;
}

const run = promisify(execFile);
const SYSTEM_PLACES = ['/usr/local/bin', '/usr/bin', '/usr/sbin', '/opt/homebrew/bin'];

/**
 * The path of a program; on Debian, root has it installed when it is missing.
 * @throws Error that says how to get it
 */
export async function findProgram(program: Program): Promise<string> {
  const found = find(program);
  if (found) return found;
  const failure = await installPackage(program.debianPackage);
  const installed = find(program);
  if (installed) return installed;
  const { name, debianPackage, variable } = program;
  throw new Error(
    `These tests need ${name}. Install it (Debian: apt-get install ${debianPackage})` +
      (variable ? `, or set ${variable} to a server that may be written to.` : '.'),
    { cause: failure },
  );
}

function find({ name, places = [] }: Program): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...places, ...SYSTEM_PLACES];
  return directories
    .filter((directory) => directory !== '')
    .flatMap((directory) => (directory.includes('*') ? globSync(directory).sort().reverse() : directory))
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version');
}

/** One after another: apt gives up at once where another process has its lock. */
const SCRIPT = `
set -e
dpkg -s "$1" >/dev/null 2>&1 && exit 0
# The tests start servers of their own: the distribution's must not run beside them.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update
apt-get install -y --no-install-recommends "$1"
`;

/** Where this process may. @returns what went wrong, if anything did */
export async function installPackage(debianPackage: string): Promise<unknown> {
  if (!canInstall()) return undefined;
  const lock = join(tmpdir(), 'parallama-apt.lock');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return run('flock', [lock, 'sh', '-c', SCRIPT, 'install', debianPackage], { env }).then(
    () => undefined,
    (error: unknown) => error,
  );
}
