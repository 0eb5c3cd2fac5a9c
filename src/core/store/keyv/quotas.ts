/** Quotas: each call has the account of its subject to itself, within this process. */
import { type Hold, type Quotas, STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { afterwards, figures, grant, heldOn, refusedBy, tokensLeft } from '../quota.js';
import {
  type Account,
  accountName,
  add,
  counterOf,
  endHold,
  markOf,
  openAccount,
  saveAccount,
} from './account.js';
import type { Directories } from './directory.js';
import type { Documents, Turn } from './documents.js';
import { sweep } from './sweep.js';

export function quotas(docs: Documents, lists: Directories, now: () => number): Quotas {
  const alone = <T>(
    subject: string,
    work: (turn: Turn, account: Account, at: number) => Promise<T>,
    patience?: number,
  ): Promise<T> =>
    docs.run(
      (turn) =>
        turn.lock(accountName(subject), async () => {
          return work(turn, await openAccount(turn, lists, subject, now()), now());
        }),
      patience,
    );
  const measured = (account: Account, { claims }: Hold, at: number) =>
    claims.map(({ key }) => counterOf(account, key, at));
  const activeIn = (account: Account, { id }: Hold, at: number) => {
    const active = Object.hasOwn(account.holds, id) ? account.holds[id] : undefined;
    return active && active.until > at ? active : undefined;
  };

  return {
    async reserve(hold, tokens, { lease, sentAt }) {
      const patience = Math.min(STORE_DEADLINE, STORE_DEADLINE - (now() - sentAt));
      if (patience <= 0) throw new StoreUnavailable('The reservation came too late.');
      return alone(
        hold.subject,
        async (turn, account, at) => {
          const before = measured(account, hold, at);
          if (Object.hasOwn(account.holds, hold.id) || (await markOf(turn, account, hold, at))) {
            return { ok: false, at: -1, counters: before };
          }
          const left = tokensLeft(hold.claims, before);
          const refused = refusedBy(hold.claims, before, tokens.least);
          const granted = grant(left, tokens);
          if (refused !== -1 || granted === undefined) return { ok: false, at: refused, counters: before };
          account.holds[hold.id] = { until: at + lease, tokens: granted, hold };
          for (const claim of hold.claims) add(account, claim, 0, heldOn(claim, granted), at);
          await saveAccount(turn, lists, hold.subject, account, at);
          return { ok: true, granted, left, counters: afterwards(hold.claims, before, granted) };
        },
        patience,
      );
    },

    extend: (hold, tokens, { lease, known }) =>
      alone(hold.subject, async (turn, account, at) => {
        const active = activeIn(account, hold, at);
        if (!active) return { ok: false, why: 'gone' };
        const left = tokensLeft(hold.claims, measured(account, hold, at));
        const granted = grant(left, tokens);
        active.until = at + lease;
        active.known = figures(known);
        active.tokens += granted ?? 0;
        for (const claim of hold.claims) {
          if (claim.counts === 'tokens') add(account, claim, 0, granted ?? 0, at);
        }
        await saveAccount(turn, lists, hold.subject, account, at);
        return granted === undefined ? { ok: false, why: 'full' } : { ok: true, granted, left };
      }),

    async renew(holds, lease) {
      const gone = await Promise.all(
        holds.map(({ hold, known }) =>
          alone(hold.subject, async (turn, account, at) => {
            const active = activeIn(account, hold, at);
            if (!active) return true;
            active.until = at + lease;
            active.known = figures(known);
            await saveAccount(turn, lists, hold.subject, account, at);
            return false;
          }),
        ),
      );
      return holds.filter((_, at) => gone[at]).map(({ hold }) => hold.id);
    },

    settle: (hold, charge) =>
      alone(hold.subject, async (turn, account, at) => {
        const before = await markOf(turn, account, hold, at);
        if (before?.state === 'settled') return false;
        await endHold(turn, lists, account, hold, {
          state: 'settled',
          total: figures(charge),
          before,
          now: at,
        });
        return true;
      }),

    counters: (subject, keys) =>
      alone(subject, async (_, account, at) => keys.map((key) => counterOf(account, key, at))),

    sweep: () => sweep(docs, lists, now),
  };
}
