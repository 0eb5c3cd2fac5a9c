/**
 * What is counted of a subject: one document with its counters and holds, so that a change of several counters is one
 * write; one for each day with its history; and the marks of ended holds.
 *
 * A hold ends in three writes. The account comes first and keeps what is still to be done (`last`), the history says
 * what it was given last, the mark says that all is done. Every later step on the account makes sure of it, so that a
 * process that dies in between has lost nothing and counts nothing twice.
 */
import type { Claim, Counter, Hold } from '../port.js';
import { difference, type Figures, figures, heldOn, isNothing, MARK_LIFETIME_MS, usedOn } from '../quota.js';
import type { Directories } from './directory.js';
import type { Name, Turn } from './documents.js';
import { type Mark, type Marks, readMark, shortOf, writeMark } from './marks.js';

export interface Account {
  counters: Record<string, Counter & { expiresAt: number }>;
  holds: Record<string, { until: number; tokens: number; known?: Figures; hold: Hold }>;
  last?: Ending;
  /** Days of which there are marks, and until when the last of them counts. Absent in accounts of earlier versions. */
  marks?: Record<string, number>;
  /** Until then a ledger may have marks as earlier versions wrote them. */
  oldMarksUntil?: number;
}

/** An ended hold: what it adds to the history of its day, and its mark. */
interface Ending {
  id: string;
  day: string;
  field?: string;
  sum: Figures;
  mark: Mark;
}

export interface Ledger {
  /** By hour, gateway and model, as JSON. */
  usage: Record<string, Figures>;
  /** The ending that was added last. */
  last?: string;
  /** Of earlier versions. */
  marks?: Marks;
}

export const accountList: Name = ['accounts'];
export const accountName = (subject: string): Name => ['account', subject];
export const ledgerName = (subject: string, day: string): Name => ['ledger', subject, day];
/** Days that have any history, of all or of one subject; subjects that have any on a day. */
export const daysList = (subject?: string): Name => (subject === undefined ? ['days'] : ['days', subject]);
export const subjectsList = (day: string): Name => ['subjects', day];

/** For how long earlier versions kept marks. */
const OLD_MARK_LIFETIME_MS = 7 * MARK_LIFETIME_MS;

/** Length of the day in `2026-11-23T04`. */
const DAY = 10;

/** The account as it is once everything that was begun is done. */
export async function openAccount(
  turn: Turn,
  lists: Directories,
  subject: string,
  now: number,
): Promise<Account> {
  const account = await turn.get<Account>(accountName(subject));
  if (!account) return { counters: {}, holds: {}, marks: {} };
  if (!account.marks) account.oldMarksUntil = now + OLD_MARK_LIFETIME_MS;
  account.marks ??= {};
  if (account.last) await finish(turn, lists, subject, account.last, now);
  return account;
}

export async function saveAccount(
  turn: Turn,
  lists: Directories,
  subject: string,
  account: Account,
  now: number,
): Promise<void> {
  for (const [key, { held, expiresAt }] of Object.entries(account.counters)) {
    if (held === 0 && expiresAt <= now) delete account.counters[key];
  }
  await lists.add(turn, accountList, subject);
  await turn.set(accountName(subject), account);
}

export function counterOf({ counters }: Account, key: string, now: number): Counter {
  const counter = Object.hasOwn(counters, key) ? counters[key] : undefined;
  // What is held outlives the counter's time.
  if (!counter || (counter.held === 0 && counter.expiresAt <= now)) return { used: 0, held: 0 };
  return { used: counter.used, held: counter.held };
}

export function add(
  account: Account,
  { key, expiresAt }: Claim,
  used: number,
  held: number,
  now: number,
): void {
  const before = counterOf(account, key, now);
  account.counters[key] = {
    used: Math.max(0, before.used + used),
    held: before.held + held,
    expiresAt: Math.max(expiresAt, account.counters[key]?.expiresAt ?? 0),
  };
}

/** How a hold has ended; undefined where it has not, or that is forgotten. */
export async function markOf(
  turn: Turn,
  { oldMarksUntil = 0 }: Account,
  hold: Hold,
  now: number,
): Promise<Mark | undefined> {
  const [day, id] = [dayOf(hold), shortOf(hold.id)];
  let mark = await readMark(turn, hold.subject, day, id);
  if (!mark && oldMarksUntil > now) {
    mark = (await turn.get<Ledger>(ledgerName(hold.subject, day)))?.marks?.[id];
  }
  return mark && mark.until > now ? mark : undefined;
}

/**
 * Ends a hold, charged `total` in all.
 * @param before how it ended before, where it did
 */
export async function endHold(
  turn: Turn,
  lists: Directories,
  account: Account,
  hold: Hold,
  { state, total, before, now }: { state: Mark['state']; total: Figures; before?: Mark; now: number },
): Promise<void> {
  const sum = before ? difference(total, before.known ?? figures(undefined)) : total;
  const active = Object.hasOwn(account.holds, hold.id) ? account.holds[hold.id] : undefined;
  if (active || !isNothing(sum)) {
    for (const claim of hold.claims) {
      add(account, claim, usedOn(claim, sum), active ? -heldOn(claim, active.tokens) : 0, now);
    }
  }
  delete account.holds[hold.id];
  const { usage } = hold;
  const mark: Mark = { state, until: now + MARK_LIFETIME_MS, known: state === 'expired' ? total : undefined };
  const day = dayOf(hold);
  account.marks = { ...account.marks, [day]: Math.max(mark.until, account.marks?.[day] ?? 0) };
  account.last = {
    id: shortOf(hold.id),
    day,
    field: usage && !isNothing(sum) ? JSON.stringify([usage.hour, usage.gateway, usage.model]) : undefined,
    sum,
    mark,
  };
  await saveAccount(turn, lists, hold.subject, account, now);
  await finish(turn, lists, hold.subject, account.last, now);
}

/** Writes the history and then the mark, unless that was done. */
async function finish(
  turn: Turn,
  lists: Directories,
  subject: string,
  { id, day, field, sum, mark }: Ending,
  now: number,
): Promise<void> {
  if (mark.until <= now || (await readMark(turn, subject, day, id))?.state === mark.state) return;
  if (field !== undefined) {
    const ledger = (await turn.get<Ledger>(ledgerName(subject, day))) ?? { usage: {} };
    const ending = `${id} ${mark.state}`;
    if (ledger.last !== ending && ledger.marks?.[id]?.state !== mark.state) {
      const before = ledger.usage[field];
      ledger.usage[field] = before ? plus(before, sum) : sum;
      ledger.last = ending;
      if (!before) {
        await lists.add(turn, daysList(), day);
        await lists.add(turn, daysList(subject), day);
        await lists.add(turn, subjectsList(day), subject);
      }
      await turn.set(ledgerName(subject, day), ledger);
    }
  }
  await writeMark(turn, subject, day, id, mark);
}

export function plus(one: Figures, other: Figures): Figures {
  return difference(one, difference(figures(undefined), other));
}

/** The day whose ledger has the mark: the same each time that it is asked for. */
function dayOf({ usage, claims }: Hold): string {
  return usage?.hour.slice(0, DAY) ?? new Date(claims[0]?.expiresAt ?? 0).toISOString().slice(0, DAY);
}
