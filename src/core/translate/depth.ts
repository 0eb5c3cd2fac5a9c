/** JSON that nests too deeply: what goes some thousands deep overflows the stack of whoever reads or writes it. */

/** Levels; deeper than any schema of a tool. */
export const MAX_DEPTH = 500;

/** @param bytes length of the text it was read from, where that is known: what is short cannot be deep */
export function nestsTooDeep(value: unknown, bytes = Number.POSITIVE_INFINITY): boolean {
  return bytes > MAX_DEPTH * 2 && deeper(value, MAX_DEPTH);
}

function deeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((item) => deeper(item, levels - 1));
  // Not Object.values(): of an object with a million keys that takes longer than reading its JSON.
  for (const key in value) if (deeper((value as Record<string, unknown>)[key], levels - 1)) return true;
  return false;
}
