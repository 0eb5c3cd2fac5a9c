/** Quotas: reservations and what becomes of them are steps, which go over many at a time. */
import { type Quotas, STORE_DEADLINE, StoreUnavailable, type Wanted } from '../port.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { COUNT } from './quota-scripts.js';
import { END, EXTEND, pairs, RENEW, RESERVE, textOf } from './step.js';
import type { Steps } from './steps.js';
import { sweep } from './sweep.js';

export function quotas(connection: Connection, steps: Steps, keys: Keys, now: () => number): Quotas {
  return {
    reserve(hold, tokens, { lease, sentAt }) {
      const patience = Math.min(STORE_DEADLINE, STORE_DEADLINE - (now() - sentAt));
      if (patience <= 0) return Promise.reject(new StoreUnavailable('The reservation came too late.'));
      return steps.ask(RESERVE, hold, wanted(tokens, lease, JSON.stringify(hold)), patience);
    },

    extend: (hold, tokens, { lease, known }) => steps.ask(EXTEND, hold, wanted(tokens, lease, textOf(known))),

    async renew(holds, lease) {
      const renewed = await Promise.all(
        holds.map(({ hold, known }) => steps.ask(RENEW, hold, [String(lease), textOf(known)])),
      );
      return holds.filter((_, at) => !renewed[at]).map(({ hold }) => hold.id);
    },

    settle: (hold, charge) => steps.ask(END, hold, ['settled', textOf(charge)]),

    async counters(subject, names) {
      if (names.length === 0) return [];
      const start = keys.counters(subject);
      const places = names.map((name) => start + name);
      return pairs((await connection.run(COUNT, places, [places.length])) as number[], 0);
    },

    sweep: () => sweep(connection, steps, keys),
  };
}

function wanted({ least, most, share }: Wanted, lease: number, rest: string): string[] {
  return [String(least), String(most), String(share), String(lease), rest];
}
