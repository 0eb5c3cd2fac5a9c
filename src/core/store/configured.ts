/** The store that a configuration names, with the password from its file. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StoreConfig } from '../config.js';
import { looseMode } from '../loose-files.js';
import { openStore } from './open.js';
import type { Store } from './port.js';

/** Beside the configuration; for `/etc/parallama/config.yaml` that is `/etc/parallama/db_password`. */
const FILE_NAME = 'db_password';

/**
 * @param source the configuration's file
 * @returns `warning`: others on the machine can read the password
 * @throws Error for a password file that is named and cannot be read, or is empty
 */
export async function openConfiguredStore(
  { store: config }: { store: StoreConfig },
  source: string | undefined,
  options: { thread?: boolean } = {},
): Promise<{ store: Store; warning?: string }> {
  const { url } = config;
  if (!url.includes('://') || hasPassword(url)) return { store: await openStore(url, options) };
  const named = config.password_file;
  const file = named ?? (source === undefined ? undefined : join(dirname(source), FILE_NAME));
  const password =
    file === undefined ? undefined : await readPassword(file, { mustExist: named !== undefined });
  if (file === undefined || password === undefined) return { store: await openStore(url, options) };
  return { store: await openStore(url, { ...options, password }), warning: await modeWarning(file) };
}

function hasPassword(url: string): boolean {
  return (URL.parse(url)?.password ?? '') !== '';
}

async function readPassword(
  file: string,
  { mustExist }: { mustExist: boolean },
): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT' && !mustExist) return undefined;
    throw new Error(`The password file ${file} cannot be read (${code}). store.password_file names it.`, {
      cause: error,
    });
  }
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new Error(`The password file ${file} is empty.`);
  return password;
}

async function modeWarning(file: string): Promise<string | undefined> {
  const mode = await looseMode(file, 'group and others');
  return mode && `Others on this machine can use the password file ${file} (mode ${mode}): chmod 600 it.`;
}
