/** Some at a time: what is asked for at once is bounded. */
export function* batches<T>(all: T[], most: number): Iterable<T[]> {
  for (let at = 0; at < all.length; at += most) yield all.slice(at, at + most);
}
