/**
 * SQLite as it comes with Node.
 */
type Library = typeof import('node:sqlite');

/**
 * Loads node:sqlite, when it is first needed. An import would be paid for by everyone, and bundlers cut the `node:`
 * that this module cannot be found without.
 * @throws Error where Node was built or started without SQLite
 */
export function sqliteLibrary(): Library {
  const library: Library | undefined = withoutSqliteWarning(() => process.getBuiltinModule('node:sqlite'));
  if (!library) throw new Error('This Node.js has no node:sqlite. Use Node.js 22.19 or newer.');
  return library;
}

/** Node 22 warns that SQLite is experimental; every other warning gets through. */
function withoutSqliteWarning<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (!/SQLite is an experimental feature/.test(String(warning))) {
      Reflect.apply(emitWarning, process, [warning, ...rest]);
    }
  }) as typeof process.emitWarning;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/**
 * The journal mode in which several processes may safely share a database: SQLite before 3.51.3 can damage it when it
 * resets the write-ahead log (https://www.sqlite.org/wal.html#walresetbug); 3.50.7 and 3.44.6 have the fix too.
 * @param version as in `process.versions.sqlite`
 */
export function journalMode(version: string): 'WAL' | 'TRUNCATE' {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const least: Record<number, number> = { 44: 6, 50: 7, 51: 3 };
  const fixed = major > 3 || (major === 3 && (minor > 51 || patch >= (least[minor] ?? Infinity)));
  return fixed ? 'WAL' : 'TRUNCATE';
}
