/** What holds on this machine apart from the store: files, directories, the upstream, the clock. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../core/config.js';
import { looseMode } from '../../core/loose-files.js';
import { askUpstream } from '../../core/upstream/version.js';
import { type Check, failed, ok, warning } from './check.js';

/** Seconds between two clocks below which hours and days begin at the same time for all practical purposes. */
const CLOCK_TOLERANCE = 5;

export async function checkUpstream(config: Config): Promise<Check[]> {
  const { host, port } = config.api_gateways.ollama;
  const origin = `${host}:${port}`;
  const started = performance.now();
  try {
    const { version, clock } = await askUpstream(config);
    const ms = Math.round(performance.now() - started);
    return [ok('upstream', `Ollama ${version} answers at ${origin} in ${ms} ms`), checkClock(clock)];
  } catch {
    const detail = `nothing answers as Ollama does at ${origin}; start it, or name its place in api_gateways.ollama`;
    return [failed('upstream', detail), checkClock(undefined)];
  }
}

/** Limits are counted by calendar hour and day, so that processes whose clocks differ disagree on which it is. */
function checkClock(other: number | undefined): Check {
  const now = Date.now();
  const utc = `${new Date(now).toISOString().slice(0, 19)}Z`;
  if (other === undefined) return ok('clock', `${utc}, with nothing to compare it with`);
  const seconds = Math.round(Math.abs(now - other) / 1_000);
  if (seconds <= CLOCK_TOLERANCE) return ok('clock', `${utc}, the same as the upstream's`);
  return warning('clock', `${utc}, ${seconds} s apart from the upstream's; limits begin anew by the clock`);
}

export async function checkSecret(file: string | undefined): Promise<Check> {
  if (file === undefined) return warning('secret', 'kept in memory: access tokens end with the process');
  const path = resolve(file);
  const info = await stat(path).catch(() => undefined);
  if (!info) return ok('secret', `${path} is made at the first start`);
  const loose = await looseMode(path, 'group and others');
  if (loose) return warning('secret', `others can use ${path} (mode ${loose}): chmod 600 it`);
  return ok('secret', path);
}

export async function checkLogs({ logging }: Config): Promise<Check> {
  const directory = resolve(logging.directory);
  const writable = await isWritable(directory);
  if (writable) return ok('logs', `${directory}, level ${logging.level}`);
  return warning('logs', `${directory} cannot be written: lines will go to standard output`);
}

/** What is not there yet is made, where the nearest directory above it can be written. */
async function isWritable(directory: string): Promise<boolean> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return absent && dirname(directory) !== directory && isWritable(dirname(directory));
  }
}
