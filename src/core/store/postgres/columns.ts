/**
 * Rows as a function of the database takes them: one array for each column, written as in
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO. node-postgres would look at each value several times.
 */
export interface Columns {
  /** @returns the row's number, the first is 1 */
  add(...values: (string | number | null)[]): number;
  /** How many rows there are. */
  size(): number;
  /** One text for each column. */
  arrays(): string[];
}

export function columns(count: number): Columns {
  const elements: string[][] = Array.from({ length: count }, () => []);
  let size = 0;
  return {
    add(...values) {
      for (let at = 0; at < count; at += 1) elements[at]!.push(elementOf(values[at]!));
      size += 1;
      return size;
    },
    size: () => size,
    arrays: () => elements.map((column) => `{${column.join(',')}}`),
  };
}

function elementOf(value: string | number | null): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`;
}
