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
  const items: unknown[] = Array.isArray(value) ? value : Object.values(value);
  return items.some((item) => deeper(item, levels - 1));
}
