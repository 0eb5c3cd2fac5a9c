/**
 * Quota calls as the database takes them, many at once. Subjects, counters and rows of the history that several steps
 * share are named once, and then by their number.
 */
import { countsAs, textOf } from '../hold-text.js';
import type { Charge, Claim, Hold, Wanted } from '../port.js';
import { figures, MARK_LIFETIME_MS } from '../quota.js';
import { columns } from './columns.js';

export interface Step {
  kind: 'reserve' | 'extend' | 'settle';
  hold: Hold;
  wanted: Wanted;
  lease: number;
  /** What is known, of an extension; what it came to, of a settlement. */
  charge: Charge | undefined;
}

/** An index takes no longer texts; no model's name is that long. */
const MODEL_LENGTH = 400;
const ARGUMENTS = 25;
export const CARRY_OUT = `SELECT array_to_json(carry_out(${Array.from({ length: ARGUMENTS }, (_, at) => `$${at + 1}`)}))
  AS answers`;

/**
 * The arguments of {@link CARRY_OUT} but for the deadlines, which are the last.
 * @param now milliseconds since 1970; null for the server's clock
 */
export function valuesOf(steps: Step[], now: number | null): (string | number | null)[] {
  const subjects = columns(1);
  const counters = columns(3);
  const rows = columns(4);
  const claims = columns(3);
  const all = columns(6);
  const asked = columns(4);
  const sums = columns(1);
  const known = new Map<string, Known>();

  const knownOf = (subject: string): Known => {
    let one = known.get(subject);
    if (!one) {
      one = { subject, counters: new Map(), rows: new Map() };
      known.set(subject, one);
      subjects.add(subject);
    }
    return one;
  };
  const counterOf = (mine: Known, { key, expiresAt }: Claim): number => {
    const name = storable(key);
    let at = mine.counters.get(name);
    if (at === undefined) {
      at = counters.add(mine.subject, name, expiresAt);
      mine.counters.set(name, at);
    }
    return at;
  };
  const rowOf = (mine: Known, { gateway, model, hour }: Required<Hold>['usage']): number => {
    const name = storable(model, MODEL_LENGTH);
    const key = `${hour}\n${gateway}\n${name}`;
    let at = mine.rows.get(key);
    if (at === undefined) {
      at = rows.add(mine.subject, gateway, name, hour);
      mine.rows.set(key, at);
    }
    return at;
  };

  for (const { kind, hold, wanted, lease, charge } of steps) {
    const mine = knownOf(storable(hold.subject));
    const first = claims.size() + 1;
    for (const claim of hold.claims) {
      claims.add(counterOf(mine, claim), countsAs(claim), claim.max);
    }
    const row = kind === 'settle' && hold.usage ? rowOf(mine, hold.usage) : null;
    all.add(kind, storable(hold.id), kind === 'reserve' ? bodyOf(hold) : null, first, claims.size(), row);
    asked.add(wanted.least, wanted.most, wanted.share, lease);
    for (const figure of listOf(charge)) sums.add(figure);
  }
  const arrays = [subjects, counters, rows, claims, all, asked, sums].flatMap((each) => each.arrays());
  return [now, MARK_LIFETIME_MS, ...arrays];
}

/** What of a subject has a number already. */
interface Known {
  subject: string;
  counters: Map<string, number>;
  rows: Map<string, number>;
}

/** The figures of a charge in the order in which the functions take them. */
export function listOf(charge: Charge | undefined): number[] {
  const { requests, promptTokens, completionTokens, errors, aborted, latencyMs } = figures(charge);
  return [requests, promptTokens, completionTokens, errors, aborted, latencyMs];
}

/** PostgreSQL's text has all characters but one; a half of one is none. */
export function storable(text: string, length = Number.POSITIVE_INFINITY): string {
  const whole = text.replaceAll('\0', '\uFFFD').replaceAll(/\p{Surrogate}/gu, '\uFFFD');
  return whole.length <= length ? whole : [...whole].slice(0, length).join('');
}

function bodyOf(hold: Hold): string {
  const text = textOf(hold);
  return /\\u(0000|d)/.test(text) ? textOf(cleaned(hold)) : text;
}

function cleaned({ id, subject, claims, usage }: Hold): Hold {
  return {
    id,
    subject: storable(subject),
    claims: claims.map((claim) => ({ ...claim, key: storable(claim.key) })),
    usage: usage && { ...usage, model: storable(usage.model) },
  };
}
