/**
 * node-postgres, which is installed by those who use it.
 */
import { Unusable } from './failures.js';

export type Library = typeof import('pg');

/** @throws Unusable where it is not installed */
export async function postgresLibrary(): Promise<Library> {
  try {
    return await import('pg');
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new Unusable('The PostgreSQL store needs the package pg: npm install pg', { cause: error });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /MODULE_NOT_FOUND$/.test(String(error.code));
}
