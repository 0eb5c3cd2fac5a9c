/**
 * Rows as a function of the database takes them: one array for each column, written as in
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO. Put together as they come: node-postgres would make
 * an array of each column first, and look at each value several times.
 */
export interface Columns {
  /** @returns the row's number, the first is 1 */
  add(...values: (string | number | null)[]): number;
  readonly size: number;
  /** One text for each column. */
  arrays(): string[];
}

export function columns(count: number): Columns {
  const texts: string[] = Array(count).fill('');
  let size = 0;
  return {
    add(...values) {
      const comma = size === 0 ? '' : ',';
      for (let at = 0; at < count; at += 1) {
        texts[at] += `${comma}${elementOf(values[at]!)}`;
      }
      size += 1;
      return size;
    },
    get size() {
      return size;
    },
    arrays: () => texts.map((text) => `{${text}}`),
  };
}

function elementOf(value: string | number | null): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`;
}
