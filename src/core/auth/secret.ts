/**
 * The secret that access tokens are signed with: a file with one secret a line. The first line signs and all verify,
 * so that a new one can be put on top and the old one taken out when its last tokens have expired.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { looseMode } from '../loose-files.js';
import type { Records, Store } from '../store/port.js';

export interface Secret {
  bytes: Uint8Array;
  /** Tells secrets apart without giving them away: names the key in tokens and in the store. */
  fingerprint: string;
}

export interface Secrets {
  /** At least one; the first signs. */
  all: [Secret, ...Secret[]];
  /** Where they are kept; undefined in memory. */
  file?: string;
  /** For the operator: the secret was made just now. */
  notice?: string;
  /** For the operator: others on the machine can read it. */
  warning?: string;
}

/** RFC 7518, section 3.2: a key for HS256 is at least as long as its hash. */
const LEAST_BYTES = 32;
const FILE_NAME = 'jwt_secret';

/**
 * Reads the secret file, and makes it where it is missing.
 * @param options.file the configured path
 * @param options.beside a directory to keep it in where no path is configured; undefined keeps it in memory
 * @throws Error for a file that cannot be read or made, and for a secret of less than 32 bytes
 */
export async function loadSecrets({
  file,
  beside,
}: {
  file?: string;
  beside: string | undefined;
}): Promise<Secrets> {
  const path = file ?? (beside === undefined ? undefined : join(beside, FILE_NAME));
  if (path === undefined) {
    return {
      all: parse(newSecret(), 'memory'),
      notice: 'The signing secret is kept in memory: access tokens end with this process.',
    };
  }
  const made = await makeIfMissing(path);
  const all = parse(await readText(path), path);
  const notice = made
    ? `Made a new signing secret in ${path}. Keep it: access tokens depend on it.`
    : undefined;
  return { all, file: path, notice, warning: await modeWarning(path) };
}

function parse(text: string, place: string): Secrets['all'] {
  const lines = new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  );
  const [first, ...rest] = [...lines].map((line) => toSecret(line, place));
  if (!first) throw new Error(`The secret file ${place} is empty. Delete it to have a new one made.`);
  return [first, ...rest];
}

function toSecret(line: string, place: string): Secret {
  const bytes = Buffer.from(line);
  if (bytes.length < LEAST_BYTES) {
    throw new Error(
      `The secret file ${place} has a secret of ${bytes.length} bytes; each line needs ${LEAST_BYTES} or more.`,
    );
  }
  const fingerprint = createHmac('sha256', bytes)
    .update('parallama fingerprint')
    .digest('base64url')
    .slice(0, 16);
  return { bytes, fingerprint };
}

function newSecret(): string {
  return randomBytes(48).toString('base64url');
}

/**
 * A file appears under its name only with the whole secret in it, and never replaces another: of several processes
 * that start at once, one makes it and the others read it.
 */
async function makeIfMissing(path: string): Promise<boolean> {
  if (await exists(path)) return false;
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(draft, `${newSecret()}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw fileError(`The secret file ${path} cannot be made`, error);
  } finally {
    await rm(draft, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw fileError(`The secret file ${path} cannot be read`, error);
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileError(`The secret file ${path} cannot be read`, error);
  }
}

async function modeWarning(path: string): Promise<string | undefined> {
  const mode = await looseMode(path, 'group and others');
  return mode && `Others on this machine can use the secret file ${path} (mode ${mode}): chmod 600 it.`;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function fileError(what: string, cause: unknown): Error {
  const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new Error(`${what}${why}. auth.jwt_secret_file in the configuration names another place.`, {
    cause,
  });
}

interface Claimed {
  fingerprints: string[];
}

/**
 * Notes in the store whose secret its processes use. Processes with different secrets would refuse each other's
 * tokens, so one with no line that the store knows does not start.
 * @throws Error where the store knows other secrets only; StoreUnavailable
 */
export async function claimSecret(store: Records & Pick<Store, 'place'>, secrets: Secrets): Promise<void> {
  const value: Claimed = { fingerprints: secrets.all.map(({ fingerprint }) => fingerprint) };
  for (;;) {
    const row = await store.get<Claimed>('settings', 'jwt_secret');
    if (!row) {
      if (await store.create('settings', 'jwt_secret', value)) return;
      continue;
    }
    const known = row.value.fingerprints;
    if (!value.fingerprints.some((fingerprint) => known.includes(fingerprint))) {
      throw new Error(
        `The store at ${store.place} is used with another signing secret than the one in ${secrets.file ?? 'memory'}. ` +
          'Point auth.jwt_secret_file to the file that the other processes use; to change the secret, ' +
          'put the new one on a line above the old one.',
      );
    }
    if (known.join() === value.fingerprints.join()) return;
    if (await store.update('settings', row.id, row.version, value)) return;
  }
}
