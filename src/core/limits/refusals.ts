/**
 * What users have used up, remembered for a moment: who goes on asking is refused without the store. Usage only grows
 * within a window, and what is held is left out here: nobody is refused who could have been admitted.
 */
import { LRUCache } from 'lru-cache';
import type { Counter, Hold, Wanted } from '../store/port.js';
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

export interface Refusals {
  /** The store has refused this, with these counters. */
  note(hold: Hold, counters: Counter[]): void;
  /** Undefined where the store has to be asked. */
  of(hold: Hold, wanted: Wanted): UsedUp | undefined;
}

export function createRefusals(now = () => performance.now()): Refusals {
  const known = new LRUCache<string, { counters: Counter[]; noted: number }>({ max: MOST });
  // Counters of an hour that is over stand under another name.
  const nameOf = ({ subject, claims }: Hold) => claims.reduce((name, { key }) => `${name}\n${key}`, subject);
  const used = (counters: Counter[]) => counters.map((counter) => ({ ...counter, held: 0 }));

  return {
    note(hold, counters) {
      known.set(nameOf(hold), { counters, noted: now() });
    },
    of(hold, { least }) {
      if (known.size === 0) return undefined;
      const found = known.get(nameOf(hold));
      if (!found || now() - found.noted > REMEMBER) return undefined;
      const { counters } = found;
      const at = refusedBy(hold.claims, used(counters), least);
      return at === -1 ? undefined : { at, counters };
    },
  };
}
