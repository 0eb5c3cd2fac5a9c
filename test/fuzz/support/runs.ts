/** How often a property is tried, and with which seed: always the same here, and others by `npm run fuzz`. */
import fc from 'fast-check';

const seed = Number(process.env.PARALLAMA_FUZZ_SEED ?? 1);
const factor = Number(process.env.PARALLAMA_FUZZ_FACTOR ?? 1);

/** What a failure prints has the seed in it, and the smallest example that was found. */
export const runs = (numRuns: number) => ({ seed, numRuns: numRuns * factor });

/** For properties that ask a server: as long as the longest run may take. */
export const SLOW = { timeout: 60_000 * Math.max(1, factor) };

export const check = <T>(property: fc.IProperty<T>, numRuns: number) => fc.assert(property, runs(numRuns));

export const checkAsync = <T>(property: fc.IAsyncProperty<T>, numRuns: number) =>
  fc.assert(property, runs(numRuns));
