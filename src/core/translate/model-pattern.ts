/** A role's patterns for models: names in which `*` stands for any characters. */
import { DEFAULT_HOST, DEFAULT_NAMESPACE, fullName, type ModelName, parseModelName } from './model-name.js';

export type ModelMatcher = (name: ModelName) => boolean;

/**
 * Reads a pattern once, for many names. Without a tag it means `latest`, unless it ends in `*`; one that begins with
 * `*` is good for every registry and namespace.
 */
export function modelMatcher(pattern: string): ModelMatcher {
  if (matchesEverything(pattern)) return () => true;
  if (!pattern.includes('*')) {
    const model = parseModelName(pattern);
    const wanted = model && fullName(model);
    return (name) => fullName(name) === wanted;
  }
  const matches = glob(expanded(pattern.trim().toLowerCase()));
  return (name) => matches(fullName(name));
}

export const matchesEverything = (pattern: string): boolean => /^\*+$/.test(pattern.trim());

/**
 * Whether a role's pattern allows a model.
 * @example matchesModel('llama*', 'llama2:70b') // true
 */
export function matchesModel(pattern: string, name: string): boolean {
  const parsed = parseModelName(name);
  return parsed !== undefined && modelMatcher(pattern)(parsed);
}

/** A pattern with all that a full name has. */
function expanded(pattern: string): string {
  const bare = pattern.replace(/^https?:\/\//, '');
  const slash = bare.lastIndexOf('/');
  const last = bare.slice(slash + 1);
  const withTag = last.includes(':') || last.endsWith('*') ? bare : `${bare}:latest`;
  if (bare.startsWith('*')) return withTag;
  const path = slash === -1 ? [] : bare.slice(0, slash).split('/');
  if (path.length === 0) return `${DEFAULT_HOST}/${DEFAULT_NAMESPACE}/${withTag}`;
  // A namespace has neither dots nor colons, a host has one or the other.
  const hasHost = path.length > 1 || /[.:]/.test(path[0]!);
  return hasHost ? withTag : `${DEFAULT_HOST}/${withTag}`;
}

/**
 * Takes each piece between two stars at its first place. A regular expression would try them all, and clients choose
 * the names.
 */
function glob(pattern: string): (text: string) => boolean {
  const pieces = pattern.split('*');
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  const between = pieces.slice(1, -1);
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const piece of between) {
      const found = text.indexOf(piece, at);
      if (found === -1) return false;
      at = found + piece.length;
    }
    return at <= text.length - last.length;
  };
}
