/** Embeddings: a vector for each token, added up, so that like texts have like vectors. Always the same. */

/** A generator of numbers from a seed (mulberry32): between -1 and 1. */
function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** As the model gives it, not normalised. */
export function vectorOf(tokens: number[], size: number): Float32Array {
  const vector = new Float32Array(size);
  tokens.forEach((token, position) => {
    const next = numbersFrom(token + 1);
    // The order of the words counts a little.
    const weight = 1 + 1 / (2 + position);
    for (let index = 0; index < size; index += 1) vector[index]! += next() * weight;
  });
  return vector;
}

/** Of length 1. */
export function normalise(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / Math.max(length, 1e-12));
}

/** The shortest digits that give the same float32, as Go writes them. */
export function float32(value: number): number {
  for (let digits = 6; digits < 10; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
