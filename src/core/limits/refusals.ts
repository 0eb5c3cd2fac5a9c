/**
 * What users have used up, remembered for a moment: who goes on asking is refused without the store. Usage only grows
 * within a window, and what is held is left out here: nobody is refused who could have been admitted.
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
export type Asked = Pick<Hold, 'subject' | 'claims' | 'usage'>;

export interface Refusals {
  /** The store has refused this, with these counters. */
  note(asked: Asked, counters: Counter[]): void;
  /** Undefined where the store has to be asked. */
  of(asked: Asked, wanted: Wanted): UsedUp | undefined;
}

interface Refused {
  /** Of another hour, or with other limits, they are another list. */
  claims: Claim[];
  counters: Counter[];
  noted: number;
}

export function createRefusals(now = () => performance.now()): Refusals {
  const known = new LRUCache<string, Refused>({ max: MOST });
  const nameOf = ({ subject, usage }: Asked) => `${usage?.gateway}\n${subject}`;
  const used = (counters: Counter[]) => counters.map((counter) => ({ ...counter, held: 0 }));

  return {
    note(asked, counters) {
      known.set(nameOf(asked), { claims: asked.claims, counters, noted: now() });
    },
    of(asked, { least }) {
      if (known.size === 0) return undefined;
      const found = known.get(nameOf(asked));
      if (found?.claims !== asked.claims || now() - found.noted > REMEMBER) return undefined;
      const { claims, counters } = found;
      const at = refusedBy(claims, used(counters), least);
      return at === -1 ? undefined : { at, counters };
    },
  };
}
