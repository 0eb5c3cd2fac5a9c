/**
 * What users have used up. Remembered for a moment, so that who goes on asking is refused without the store: usage only
 * grows within a window, and what is held is left out here, so that nobody is refused who could have been admitted.
 *
 * And what a prompt was refused for, remembered for the window: what is held for it may be learned to be less meanwhile,
 * and a request that was told that the tokens are used up must not be let in a moment later, with nothing given back.
 */
import { LRUCache } from 'lru-cache';
import type { Claim, Counter, Hold, Wanted } from '../store/port.js';
import { refusedBy } from '../store/quota.js';

/** Milliseconds. Usage that the store corrects downwards shows within a second, as all that is remembered does. */
const REMEMBER = 800;
/** Users. */
const MOST = 10_000;

export interface UsedUp {
  /** Index of the first claim that refuses. */
  at: number;
  /** As they were when the store refused. */
  counters: Counter[];
}

/** Who asks, on what, and where: a hold that needs no id yet. */
export interface Asked extends Pick<Hold, 'subject' | 'claims' | 'usage'> {
  /** The claims of one request: the same list within a window, as long as the limits are the same. */
  counted: Claim[];
  /** UTF-8 bytes of the prompts. */
  bytes: number;
}

export interface Refusals {
  /** The store has refused this, with these counters. */
  note(asked: Asked, wanted: Wanted, counters: Counter[]): void;
  /** Undefined where the store has to be asked. */
  of(asked: Asked, wanted: Wanted): UsedUp | undefined;
  /** Tokens that a prompt of this size, or a smaller one, was refused for in this window; 0 where none was. */
  least(asked: Asked): number;
}

interface Refused {
  counted: Claim[];
  counters: Counter[];
  noted: number;
  /** The smallest prompt that was refused for its tokens, and what it was to hold. */
  prompt?: { bytes: number; least: number };
}

export function createRefusals(now = () => performance.now()): Refusals {
  const known = new LRUCache<string, Refused>({ max: MOST });
  const nameOf = ({ subject, usage }: Asked) => `${usage?.gateway}\n${subject}`;
  const used = (counters: Counter[]) => counters.map((counter) => ({ ...counter, held: 0 }));

  /** Of this window and these limits. */
  const foundFor = (asked: Asked): Refused | undefined => {
    if (known.size === 0) return undefined;
    const found = known.get(nameOf(asked));
    return found?.counted === asked.counted ? found : undefined;
  };

  return {
    note(asked, wanted, counters) {
      const before = foundFor(asked)?.prompt;
      const at = refusedBy(asked.claims, used(counters), wanted.least);
      const small = asked.claims[at]?.counts === 'tokens' && !(before && before.bytes <= asked.bytes);
      const prompt = small ? { bytes: asked.bytes, least: wanted.least } : before;
      known.set(nameOf(asked), { counted: asked.counted, counters, noted: now(), prompt });
    },
    of(asked, { least }) {
      const found = foundFor(asked);
      if (!found || now() - found.noted > REMEMBER) return undefined;
      const at = refusedBy(asked.claims, used(found.counters), least);
      return at === -1 ? undefined : { at, counters: found.counters };
    },
    least(asked) {
      const prompt = foundFor(asked)?.prompt;
      return prompt && prompt.bytes <= asked.bytes ? prompt.least : 0;
    },
  };
}
