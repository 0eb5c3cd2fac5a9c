import { nearest } from '../core/config/nearest.js';
import { UsageError } from './errors.js';

/**
 * One of a few names.
 * @param what `gateway`, `format`
 * @throws UsageError that names them, and the nearest
 */
export function readChoice<T extends string>(what: string, given: string, known: readonly T[]): T {
  const found = known.find((name) => name === given);
  if (found !== undefined) return found;
  const meant = nearest(given, known);
  const all = `${what[0]?.toUpperCase()}${what.slice(1)}s: ${known.join(', ')}.`;
  throw new UsageError(`Unknown ${what} "${given}". ${all}${meant ? ` Did you mean "${meant}"?` : ''}`);
}
