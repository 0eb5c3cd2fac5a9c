/**
 * Reservations as leases: one object per admitted request, that tops up, renews and settles exactly once.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createCrowd, type Member } from '../crowd.js';
import type { GatewayError } from '../errors.js';
import { holdId } from '../store/hold-id.js';
import {
  type Charge,
  type Claim,
  type Counter,
  type Hold,
  type Store,
  StoreUnavailable,
  type Wanted,
} from '../store/port.js';
import { heldOn } from '../store/quota.js';
import type { Journal } from '../usage/journal.js';
import { claimsForSeveral, rememberedCounting } from './claims.js';
import { firstGrant, NO_TOKENS, topUp } from './grant.js';
import { type Ask, type Lease, NOTHING_USED, type Running, type Tenant } from './lease.js';
import { limitError, rateHeaders } from './rate-headers.js';
import { createRefusals, type UsedUp } from './refusals.js';
import { repeat } from './repeat.js';
import { rememberedWindows } from './windows.js';

/** A lease runs this long without being renewed, is renewed this often, and the expired are looked for this often. */
const LEASE = 30_000;
const RENEW_EVERY = 10_000;
const SWEEP_EVERY = 5_000;
/** A request that could not be renewed ends this long before its lease does: after that its tokens may be others'. */
const MARGIN = 2_000;
const LOOK_EVERY = 1_000;
/**
 * A store that was away is not swept for this long: leases have run out meanwhile whose processes live, and know what
 * they have used. They come first; a few of their rounds fit in.
 */
const GRACE = 15_000;

export interface Leases {
  /** @throws GatewayError 429 where a limit refuses, StoreUnavailable where the store cannot be asked */
  admit(ask: Ask): Promise<Lease>;
  /** All that are open. */
  running(): Running[];
  /** How many are open. */
  open(): number;
  /** Waits for settlements under way, then stops renewing and sweeping. */
  close(): Promise<void>;
}

export interface LeaseOptions {
  store: Store;
  journal: Journal;
  now?: () => number;
  /** A settlement that neither the store nor the journal took; what is lost is in the argument. */
  onLostUsage(hold: Hold, charge: Charge, error: unknown): void;
  /** The background work failed; it goes on. */
  onTrouble(error: unknown): void;
}

const NO_TENANT: Tenant = { known: () => NOTHING_USED, onLost() {} };

interface Settlement extends Member {
  done: Promise<void>;
}

interface OpenLease extends Member {
  tenant: Tenant;
  ask: Ask;
  at: number;
  hold: Hold;
  /** On the clock of `performance.now()`; Infinity where there is no limit that somebody else could need. */
  ends: number;
  lease: Lease;
}

export function createLeases({
  store,
  journal,
  now = Date.now,
  onLostUsage,
  onTrouble,
}: LeaseOptions): Leases {
  const open = createCrowd<OpenLease>();
  const settling = createCrowd<Settlement>();
  const refusals = createRefusals();
  /** Until it is over, refusals wait. */
  let turn: Promise<void> | undefined;
  const windowsOf = rememberedWindows();
  const countingOf = rememberedCounting();
  let awayAt = Number.NEGATIVE_INFINITY;

  async function admit(ask: Ask): Promise<Lease> {
    const at = now();
    const windows = windowsOf(at);
    const { meanings, claims: counted, boundsTokens } = countingOf(ask.gateway, ask.limits, windows);
    const { requests = 1, bytes = 0, expected = ask.prompt } = ask;
    const asked = {
      subject: ask.identity.id,
      counted,
      claims: requests === 1 ? counted : claimsForSeveral(counted, requests),
      usage: { gateway: ask.gateway, model: ask.countedAs ?? ask.model, hour: windows.hour.id },
      bytes,
    };
    const wanted = boundsTokens ? wantedBy(ask, refusals.least(asked)) : NO_TOKENS;
    const refuse = (by: UsedUp) => {
      const requested = meanings[by.at]?.counts === 'tokens' ? wanted.least : requests;
      return limitError({ ...ask, meanings, at: by.at, counters: by.counters, requested }, at);
    };
    const usedUp = refusals.of(asked, wanted);
    if (usedUp) {
      // Those of one turn go out together, as they do after the store: each by itself would wake whoever reads it.
      turn ??= nextTurn().finally(() => {
        turn = undefined;
      });
      await turn;
      throw refuse(usedUp);
    }
    const { subject, claims, usage } = asked;
    const hold: Hold = { id: holdId(at), subject, claims, usage };
    const sent = performance.now();
    const reserved = await store.reserve(hold, wanted, { lease: LEASE, sentAt: at });
    if (!reserved.ok) {
      refusals.note(asked, wanted, reserved.counters);
      throw refuse(reserved);
    }

    const limited = reserved.left !== null;
    // Not what is held: the answer may use up what the prompt does not.
    const left = limited ? reserved.left! - expected : Number.POSITIVE_INFINITY;
    let settled: Promise<void> | undefined;
    let spent: Charge | undefined;

    const lease: Lease = {
      id: hold.id,
      prompt: ask.prompt,
      output: limited ? reserved.granted - ask.prompt : Number.POSITIVE_INFINITY,
      ceiling: ceilingOf(ask.maxTokens, left),
      headers: () =>
        rateHeaders(meanings, spent ? settledCounters(reserved, claims, spent) : reserved.counters, at),
      lost: false,
      revoked: undefined,
      workFor(given) {
        entry.tenant = given;
      },
      async grow(needed) {
        const asked = performance.now();
        const more = await store.extend(hold, topUp(needed), { lease: LEASE, known: entry.tenant.known() });
        if (more.ok) lease.output += more.granted;
        if (more.ok || more.why === 'full') prolong(entry, asked);
        else lose(entry);
        return more.ok;
      },
      settle(charge, countedAs = asked.usage.model) {
        if (!settled) {
          open.leave(entry);
          spent = charge;
          settled = write(renamed(hold, countedAs), charge);
          const settlement: Settlement = { done: settled };
          settling.enter(settlement);
          void settled.then(() => settling.leave(settlement));
        }
        return settled;
      },
    };
    const bounded = hold.claims.some(({ max }) => max !== null);
    const entry: OpenLease = {
      tenant: NO_TENANT,
      ask,
      at,
      hold,
      lease,
      ends: bounded ? sent + LEASE : Number.POSITIVE_INFINITY,
    };
    open.enter(entry);
    return lease;
  }

  function lose({ lease, tenant }: OpenLease): void {
    lease.lost = true;
    tenant.onLost();
  }

  function revoke({ lease, tenant }: OpenLease, reason: GatewayError): void {
    lease.revoked ??= reason;
    tenant.onLost();
  }

  function prolong(entry: OpenLease, since: number): void {
    entry.ends = Math.max(entry.ends, since + LEASE);
  }

  async function write(hold: Hold, charge: Charge): Promise<void> {
    try {
      await store.settle(hold, charge);
    } catch (error) {
      try {
        journal.append({ hold, charge });
        if (!(error instanceof StoreUnavailable)) onTrouble(error);
      } catch (refused) {
        onLostUsage(hold, charge, refused);
      }
    }
  }

  async function renew(): Promise<void> {
    const entries = open.all();
    if (entries.length === 0) return;
    const since = performance.now();
    const holds = entries.map(({ hold, tenant }) => ({ hold, known: tenant.known() }));
    const gone = new Set(await store.renew(holds, LEASE));
    for (const entry of entries) {
      if (!entry.chain) continue;
      if (gone.has(entry.hold.id)) lose(entry);
      else prolong(entry, since);
    }
  }

  async function endOverdue(): Promise<void> {
    for (const entry of open.all()) {
      if (performance.now() > entry.ends - MARGIN) lose(entry);
    }
  }

  /** An entry that cannot be applied is told, and keeps nobody from sweeping. */
  async function replay(): Promise<void> {
    try {
      await journal.replay(({ hold, charge }) => store.settle(hold, charge));
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      onTrouble(error);
    }
  }

  async function sweep(): Promise<void> {
    try {
      await replay();
      if (performance.now() - awayAt < GRACE) await store.health();
      else await store.sweep();
    } catch (error) {
      if (error instanceof StoreUnavailable) awayAt = performance.now();
      throw error;
    }
  }

  const timers = [
    repeat(renew, RENEW_EVERY, onTrouble),
    repeat(endOverdue, LOOK_EVERY, onTrouble),
    repeat(sweep, SWEEP_EVERY, onTrouble),
  ];
  // What an earlier process left behind is found at once.
  const first = sweep().catch(onTrouble);

  return {
    admit,
    open: () => open.size,
    running: () =>
      open.all().map((entry) => ({
        ask: entry.ask,
        at: entry.at,
        known: () => entry.tenant.known(),
        end: (reason) => revoke(entry, reason),
      })),
    async close() {
      for (const stop of timers) await stop();
      await first;
      await Promise.all(settling.all().map(({ done }) => done));
      await replay().catch(onTrouble);
    },
  };
}

/** The counters as at admission, with the charge in the place of the hold. */
function settledCounters(
  { counters, granted }: { counters: Counter[]; granted: number },
  claims: Claim[],
  { requests, promptTokens, completionTokens }: Charge,
): Counter[] {
  return counters.map(({ used, held }, i) => ({
    used: used + (claims[i]!.counts === 'requests' ? requests : promptTokens + completionTokens),
    held: held - heldOn(claims[i]!, granted),
  }));
}

/** @param least what a prompt like it was refused for */
function wantedBy({ prompt, maxTokens, generates }: Ask, least: number): Wanted {
  const wanted = firstGrant(prompt, maxTokens, generates);
  return least <= wanted.least ? wanted : { ...wanted, least, most: Math.max(wanted.most, least) };
}

function renamed(hold: Hold, model: string): Hold {
  const { usage } = hold;
  return usage === undefined || usage.model === model ? hold : { ...hold, usage: { ...usage, model } };
}

/** The client's own number where the limit allows it, else what is left; nothing where neither bounds it. */
function ceilingOf(maxTokens: number | undefined, left: number): number | undefined {
  const bound = Math.min(maxTokens ?? Number.POSITIVE_INFINITY, left);
  return Number.isFinite(bound) ? bound : undefined;
}
