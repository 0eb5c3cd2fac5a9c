/**
 * A figure that is learned from many users, and that none of them can move for the others.
 *
 * What was seen with a user's own requests counts one by one for that user, and together as one voice for everybody
 * else. A figure is the median of all that counts: whoever sends odd texts shifts it for another user by one place
 * among many, whatever was in them.
 */

/** What is remembered of a user's own requests: the newest values. */
export const OWN_VALUES = 11;
/** All other users together count as no more than this, so that a user's own requests can outvote them. */
const OTHERS = 7;
/** So many times a guess counts that was made before anything was seen. */
const GUESSES = 2;
/**
 * So many other voices are a crowd: their median stands in for the guess, and one's own values cannot bring a figure
 * further below it than this, whatever texts one chooses.
 */
const CROWD = 3;
const BELOW_CROWD = 0.9;

export interface Voice {
  /** The newest values, in no order. */
  own: number[];
  /** Where the next one goes. */
  next: number;
  /** The median of `own`. */
  said: number;
}

export const newVoice = (): Voice => ({ own: [], next: 0, said: 0 });

export function hear(voice: Voice, value: number): void {
  voice.own[voice.next] = value;
  voice.next = (voice.next + 1) % OWN_VALUES;
  voice.said = median(voice.own);
}

/** A voice as it was in another process, or before a restart. */
export function recalled(values: number[]): Voice {
  const own = values.slice(0, OWN_VALUES);
  return { own, next: own.length % OWN_VALUES, said: median(own) };
}

/**
 * The figure for one user.
 * @param own the user's own values
 * @param others what the other users' voices say
 */
export function figureOf(own: number[], others: number[], guess: number): number {
  if (others.length < CROWD) return median([...own, ...others, ...Array<number>(GUESSES).fill(guess)]);
  const crowd = sorted(others);
  const middle = medianOf(crowd);
  const figure = median([...own, ...spread(crowd), ...Array<number>(GUESSES).fill(middle)]);
  return Math.max(figure, BELOW_CROWD * middle);
}

/** At most {@link OTHERS} values that lie as all of them do. */
function spread(crowd: number[]): number[] {
  if (crowd.length <= OTHERS) return crowd;
  return Array.from({ length: OTHERS }, (_, at) => crowd[Math.floor(((at + 0.5) * crowd.length) / OTHERS)]!);
}

export const median = (values: number[]): number => medianOf(sorted(values));

/** By insertion: of a few dozen numbers at most, and many times faster for these than the sort of typed arrays. */
function sorted(values: number[]): number[] {
  const all = values.slice();
  for (let at = 1; at < all.length; at += 1) {
    const value = all[at]!;
    let place = at;
    for (; place > 0 && all[place - 1]! > value; place -= 1) all[place] = all[place - 1]!;
    all[place] = value;
  }
  return all;
}

function medianOf(all: number[]): number {
  const middle = all.length >> 1;
  if (all.length % 2 === 1) return all[middle]!;
  return all.length === 0 ? 0 : (all[middle - 1]! + all[middle]!) / 2;
}
