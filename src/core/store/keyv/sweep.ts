/** The sweep: ends holds of dead processes and forgets what has expired. */
import { figures } from '../quota.js';
import { type Account, accountList, accountName, endHold, openAccount, saveAccount } from './account.js';
import type { Directories } from './directory.js';
import type { Documents, Turn } from './documents.js';
import { hourOf } from './hours.js';
import { forgetMarks } from './marks.js';
import { expiryList, isAlive, listsOf, rowName, type StoredRow } from './records.js';

/** Subjects looked at in one go; holds of one subject ended in one turn of its lock. */
const BATCH = 100;
const ENDED_AT_ONCE = 20;
/** Where the sweep of expired rows has come to: a number of an hour. */
const SWEPT = ['swept'];

export async function sweep(
  docs: Documents,
  lists: Directories,
  now: () => number,
): Promise<{ expiredHolds: number }> {
  await forgetRows(docs, lists, now());
  const subjects = await docs.run((turn) => lists.read(turn, accountList));
  let expiredHolds = 0;
  for (let at = 0; at < subjects.length; at += BATCH) {
    const ended = await Promise.all(
      subjects.slice(at, at + BATCH).map((subject) => sweepAccount(docs, lists, subject, now)),
    );
    expiredHolds += ended.reduce((sum, count) => sum + count, 0);
  }
  return { expiredHolds };
}

async function sweepAccount(
  docs: Documents,
  lists: Directories,
  subject: string,
  now: () => number,
): Promise<number> {
  let ended = 0;
  for (let more = true; more; ) {
    more = await docs.run(async (turn) => {
      // Most have nothing to be done, and need no lock for it.
      const seen = await turn.get<Account>(accountName(subject));
      if (seen && !hasWork(seen, now())) return false;
      return turn.lock(accountName(subject), async () => {
        const account = await openAccount(turn, lists, subject, now());
        const due = overdue(account, now());
        for (const { hold, known } of due.slice(0, ENDED_AT_ONCE)) {
          const total = known ?? figures(undefined);
          await endHold(turn, lists, account, hold, { state: 'expired', total, now: now() });
          ended += 1;
        }
        if (due.length > ENDED_AT_ONCE) return true;
        for (const day of staleDays(account, now())) {
          await forgetMarks(turn, subject, day);
          delete account.marks?.[day];
          await saveAccount(turn, lists, subject, account, now());
        }
        if (isSpent(account, now())) {
          await turn.delete(accountName(subject));
          await lists.remove(turn, accountList, subject);
        }
        return false;
      });
    });
  }
  return ended;
}

function overdue({ holds }: Account, now: number): Account['holds'][string][] {
  return Object.values(holds).filter(({ until }) => until <= now);
}

/** Days whose marks have all had their time. */
function staleDays({ marks = {} }: Account, now: number): string[] {
  return Object.keys(marks).filter((day) => marks[day]! <= now);
}

function hasWork(account: Account, now: number): boolean {
  return overdue(account, now).length > 0 || staleDays(account, now).length > 0 || isSpent(account, now);
}

/** Nothing in it counts any more. */
function isSpent({ counters, holds, marks = {} }: Account, now: number): boolean {
  const counting = Object.values(counters).some(({ held, expiresAt }) => held > 0 || expiresAt > now);
  return !counting && Object.keys(holds).length === 0 && Object.keys(marks).length === 0;
}

/** By the hour in which they have expired; the hour that it is has to wait for its end. */
async function forgetRows(docs: Documents, lists: Directories, now: number): Promise<void> {
  const swept = await docs.run(async (turn) => (await turn.get<number>(SWEPT)) ?? hourOf(now) - 1);
  for (let hour = swept + 1; hour < hourOf(now); hour += 1) {
    const entries = await docs.run((turn) => lists.read(turn, expiryList(hour)));
    for (const entry of entries) await docs.run((turn) => forgetRow(turn, lists, entry, hour, now));
    await docs.run((turn) => turn.set(SWEPT, hour));
  }
  if (swept === hourOf(now) - 1) await docs.run((turn) => turn.set(SWEPT, swept));
}

async function forgetRow(
  turn: Turn,
  lists: Directories,
  entry: string,
  hour: number,
  now: number,
): Promise<void> {
  const [table, id] = JSON.parse(entry) as [string, string];
  await turn.lock(rowName(table, id), async () => {
    const row = await turn.get<StoredRow>(rowName(table, id));
    if (row && !isAlive(row, now)) {
      await turn.delete(rowName(table, id));
      await Promise.all(listsOf(table, row.index).map((list) => lists.remove(turn, list, id)));
    }
  });
  await lists.remove(turn, expiryList(hour), entry);
}
