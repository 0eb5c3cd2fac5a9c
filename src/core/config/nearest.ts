/** Suggests the name that was probably meant. */

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/**
 * The known name nearest to `name`, where one is near enough to be meant: the same letters in another case or
 * with other separators, or about one slip in three letters.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: { name: string; slips: number } | undefined;
  for (const candidate of known) {
    const slips = distance(plain(name), plain(candidate));
    const allowed = Math.max(1, Math.floor(Math.min(name.length, candidate.length) / 3));
    if (slips <= allowed && (best === undefined || slips < best.slips)) best = { name: candidate, slips };
  }
  return best?.name;
}

/** Letters to insert, delete, replace or swap with their neighbour (Damerau and Levenshtein). */
function distance(a: string, b: string): number {
  let older: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? older[j - 2]! + 1 : replaced;
      row.push(Math.min(replaced, swapped, above[j]! + 1, row[j - 1]! + 1));
    }
    older = above;
    above = row;
  }
  return above[b.length]!;
}
