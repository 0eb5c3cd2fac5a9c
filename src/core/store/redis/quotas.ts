/** Quotas: each call is one script on the bucket of the subject. */
import {
  type Charge,
  type Counter,
  type Hold,
  type Quotas,
  STORE_DEADLINE,
  StoreUnavailable,
  type Wanted,
} from '../port.js';
import { figures } from '../quota.js';
import type { Connection } from './connection.js';
import { claimsOf, countersOf, end } from './ending.js';
import type { Keys } from './keys.js';
import { COUNT, EXTEND, RENEW, RESERVE } from './quota-scripts.js';
import { sweep } from './sweep.js';

export function quotas(connection: Connection, keys: Keys, now: () => number): Quotas {
  const holdAndLeases = (hold: Hold) => [keys.hold(hold), keys.leases(hold.subject)];

  return {
    async reserve(hold, tokens, { lease, sentAt }) {
      const patience = Math.min(STORE_DEADLINE, STORE_DEADLINE - (now() - sentAt));
      if (patience <= 0) throw new StoreUnavailable('The reservation came too late.');
      const args = [hold.id, ...parts(tokens), lease, JSON.stringify(hold), ...claimsOf(hold.claims)];
      const all = [...holdAndLeases(hold), ...countersOf(keys, hold)];
      const reply = (await connection.run(RESERVE, all, args, patience)) as (number | null)[];
      const [ok, at, left] = reply as [number, number, number | null];
      if (ok === 0) return { ok: false, at, counters: pairs(reply, 2) };
      return { ok: true, granted: at, left, counters: pairs(reply, 3) };
    },

    async extend(hold, tokens, { lease, known }) {
      const args = [hold.id, ...parts(tokens), lease, textOf(known), ...claimsOf(hold.claims)];
      const all = [...holdAndLeases(hold), ...countersOf(keys, hold)];
      const reply = (await connection.run(EXTEND, all, args)) as 'full' | 'gone' | [number, number | null];
      if (typeof reply === 'string') return { ok: false, why: reply };
      return { ok: true, granted: reply[0], left: reply[1] };
    },

    async renew(holds, lease) {
      const renewed = await Promise.all(
        holds.map(({ hold, known }) => {
          return connection.run(RENEW, holdAndLeases(hold), [hold.id, lease, textOf(known)]);
        }),
      );
      return holds.filter((_, at) => renewed[at] === 0).map(({ hold }) => hold.id);
    },

    settle: (hold, charge) => end(connection, keys, hold, 'settled', textOf(charge)),

    async counters(subject, names) {
      if (names.length === 0) return [];
      const claims = names.flatMap(() => ['', '', 0]);
      return pairs((await connection.run(COUNT, keys.counters(subject, names), claims)) as number[], 0);
    },

    sweep: () => sweep(connection, keys),
  };
}

function parts({ least, most, share }: Wanted): number[] {
  return [least, most, share];
}

function textOf(charge: Charge): string {
  const { requests, promptTokens, completionTokens, errors, aborted, latencyMs } = figures(charge);
  return [requests, promptTokens, completionTokens, errors, aborted, latencyMs].join(' ');
}

function pairs(reply: (number | null)[], from: number): Counter[] {
  const counters: Counter[] = [];
  for (let at = from; at < reply.length; at += 2) counters.push({ used: reply[at]!, held: reply[at + 1]! });
  return counters;
}
