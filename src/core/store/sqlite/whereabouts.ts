/**
 * Whether a path still names the file that was opened. SQLite would go on with one that was deleted or moved, and what
 * it writes there is lost.
 */
import { identityOf } from './file.js';

export type Whereabouts = 'there' | 'gone' | 'replaced';

/** A look costs about a microsecond, and every transaction asks. */
const LOOK_EVERY_MS = 100;

/**
 * @param opened the identity of the file that was opened; empty for a database in memory
 * @returns asks; a file that was there is looked at again after {@link LOOK_EVERY_MS}, or where `now` is true
 */
export function watchFile(path: string, opened: string): (now?: boolean) => Whereabouts {
  if (opened === '') return () => 'there';
  let last: Whereabouts = 'there';
  let looked = performance.now();

  return (now = false) => {
    const at = performance.now();
    if (!now && last === 'there' && at - looked < LOOK_EVERY_MS) return last;
    looked = at;
    const found = identityOf(path);
    last = found === undefined ? 'gone' : found === opened ? 'there' : 'replaced';
    return last;
  };
}
