/** Files that hold secrets, and that others on the machine can use. */
import { stat } from 'node:fs/promises';
import type { Config } from './config.js';
import type { Store } from './store/port.js';

/** Whom a file should be closed to; the others are everybody but its owner and its group. */
const BITS = { others: 0o007, 'group and others': 0o077 };

/**
 * @returns the mode as chmod writes it; undefined where the file is closed to them, or is not there
 */
export async function looseMode(path: string, to: keyof typeof BITS): Promise<string | undefined> {
  // Windows has no such modes, and reports all files as readable by everybody.
  if (process.platform === 'win32') return undefined;
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0;
  return (mode & BITS[to]) === 0 ? undefined : (mode & 0o777).toString(8);
}

/**
 * Warnings about the database file, which is made closed, and the configuration, which is made by people. Groups are
 * let in: operators may share one.
 */
export async function looseFiles(
  { kind, place }: Pick<Store, 'kind' | 'place'>,
  config: Config,
  source: string | undefined,
): Promise<string[]> {
  const warnings: string[] = [];
  const database = kind === 'sqlite' ? await looseMode(place, 'others') : undefined;
  if (database !== undefined) {
    warnings.push(`Others on this machine can use the database ${place} (mode ${database}): chmod 600 it.`);
  }
  const readable = source === undefined ? undefined : await looseMode(source, 'others');
  if (readable !== undefined && holdsSecrets(config)) {
    warnings.push(
      `Others on this machine can use ${source} (mode ${readable}), which has a password, an invitation or a token in it: chmod 640 it.`,
    );
  }
  return warnings;
}

function holdsSecrets({ auth, metrics, store }: Config): boolean {
  const password = URL.parse(store.url)?.password ?? '';
  return auth.invitations.length > 0 || metrics.token !== undefined || password !== '';
}
