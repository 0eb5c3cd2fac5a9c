/** The path in the address of an SQLite store, taken as it is written: `sqlite:./parallama.db`, `sqlite:/var/lib/p.db`. */

const SCHEME = /^sqlite:/i;
const FORMS = 'Write sqlite:./parallama.db for a file in the working directory, or sqlite:/absolute/path.db';

/**
 * @returns undefined for the address of another kind of store
 * @throws Error that says what to write instead: for an address without a path, and for one that other programs read
 * in other ways (with two slashes comes a host, with three a path that is relative to some and absolute to others)
 */
export function sqlitePath(address: string): string | undefined {
  if (!SCHEME.test(address)) return undefined;
  const path = address.replace(SCHEME, '');
  if (path === '') throw new Error(`The store "sqlite:" names no file. ${FORMS}`);
  if (path === ':memory:') throw new Error('The store "sqlite::memory:" is written memory:');
  if (/^file:/i.test(path)) throw new Error(`The file of an SQLite store is no URI. ${FORMS}`);
  if (!path.startsWith('//')) return path;
  const absolute = /^\/{3,}(?!\.{1,2}(?:\/|$))([^/].*)$/.exec(path)?.[1];
  if (absolute === undefined) throw new Error(`It is not clear which file the SQLite store is. ${FORMS}`);
  return `/${absolute}`;
}
