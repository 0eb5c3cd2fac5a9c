/** How many tokens a request is granted at first, and how many more at a time. Sizes in tokens. */
import type { Wanted } from '../store/port.js';

/** A grant without `max_tokens`, and each top-up, is at most this. */
const SMALL_GRANT = 256;

/** ... and at most this part of what is left: twenty streams side by side still find room. */
const SHARE = 20;

/** No request holds more for its output at once, whatever it asks for; a longer answer is topped up. */
const MOST_OUTPUT = 1_000_000_000;

/** What is held where nothing is bounded. */
export const NO_TOKENS: Wanted = { least: 0, most: 0, share: 1 };

/**
 * What to hold for a request. A bound that the client named is honoured in full as far as it fits; without one the
 * grant is small and topped up, so that one open-ended request never locks the user's others out.
 */
export function firstGrant(prompt: number, maxTokens: number | undefined, generates: boolean): Wanted {
  if (!generates) return { least: prompt, most: prompt, share: 1 };
  if (maxTokens === undefined) return { least: prompt + 1, most: prompt + SMALL_GRANT, share: SHARE };
  return { least: prompt + 1, most: prompt + Math.min(MOST_OUTPUT, Math.max(1, maxTokens)), share: 1 };
}

/** At least `needed` more, to go on with a stream. */
export function topUp(needed: number): Wanted {
  return { least: needed, most: needed + SMALL_GRANT - 1, share: SHARE };
}
