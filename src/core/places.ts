/** Where files are that belong to a store, if the configuration does not say. */
import { dirname, join, resolve } from 'node:path';
import type { Config } from './config.js';
import { sqlitePath } from './store/sqlite-path.js';

/** Beside the SQLite file, else beside the configuration; undefined where there is neither. */
export function directoryBeside(store: unknown, source: string | undefined): string | undefined {
  const file = typeof store === 'string' ? sqlitePath(store) : undefined;
  if (file !== undefined) return dirname(resolve(file));
  return source === undefined ? undefined : dirname(resolve(source));
}

/** The file of the signing secret; undefined where it is kept in memory. */
export function secretPlace(config: Config, source: string | undefined): string | undefined {
  const beside = directoryBeside(config.store.url, source);
  return config.auth.jwt_secret_file ?? (beside === undefined ? undefined : join(beside, 'jwt_secret'));
}
