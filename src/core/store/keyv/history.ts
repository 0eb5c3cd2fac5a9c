/** The history: a document for each subject and day. Everybody's is read a day at a time, one user's many at once. */
import type { GatewayName } from '../../contract.js';
import type { History, UsageQuery, UsageRow } from '../port.js';
import type { Figures } from '../quota.js';
import { inOrder } from '../usage-order.js';
import { daysList, type Ledger, ledgerName, plus, subjectsList } from './account.js';
import type { Directories } from './directory.js';
import type { Documents } from './documents.js';

/** Documents asked for at once. */
const BATCH = 200;
const FORGET_AT_ONCE = 50;
/** Length of the prefix of `2026-11-23T04` that names the time of a row. */
const PREFIX = { hour: 13, day: 10 };

export function history(docs: Documents, lists: Directories): History {
  const rowsOf = async (subjects: string[], day: string, query: UsageQuery): Promise<UsageRow[]> => {
    const ledgers = await docs.run((turn) =>
      Promise.all(subjects.map((subject) => turn.get<Ledger>(ledgerName(subject, day)))),
    );
    return ledgers.flatMap((ledger, at) => (ledger ? rowsIn(ledger, subjects[at]!, query) : []));
  };

  return {
    async *usage(query) {
      const { subject, from, to } = query;
      const all = await docs.run((turn) => lists.read(turn, daysList(subject)));
      for (const day of all) {
        if (day < from.slice(0, PREFIX.day) || day > to.slice(0, PREFIX.day)) continue;
        const subjects =
          subject === undefined ? await docs.run((turn) => lists.read(turn, subjectsList(day))) : [subject];
        const rows: UsageRow[] = [];
        for (let at = 0; at < subjects.length; at += BATCH) {
          rows.push(...(await rowsOf(subjects.slice(at, at + BATCH), day, query)));
        }
        yield* rows.sort(inOrder);
      }
    },

    async forgetUsage(before) {
      const [day] = await docs.run((turn) => lists.read(turn, daysList()));
      if (day === undefined || day >= before) return false;
      const subjects = await docs.run((turn) => lists.read(turn, subjectsList(day)));
      for (const subject of subjects.slice(0, FORGET_AT_ONCE)) {
        await docs.run(async (turn) => {
          // The ledger first: without its lists it would never be found again.
          await turn.delete(ledgerName(subject, day));
          await lists.remove(turn, daysList(subject), day);
          await lists.remove(turn, subjectsList(day), subject);
        });
      }
      if (subjects.length <= FORGET_AT_ONCE) await docs.run((turn) => lists.remove(turn, daysList(), day));
      return true;
    },
  };
}

function rowsIn(
  { usage }: Ledger,
  subject: string,
  { from, to, by, gateway: wanted }: UsageQuery,
): UsageRow[] {
  const sums = new Map<string, Omit<UsageRow, keyof Figures> & { sum: Figures }>();
  for (const [field, figures] of Object.entries(usage)) {
    const [hour, gateway, model] = JSON.parse(field) as [string, GatewayName, string];
    if (hour < from || hour >= to || (wanted && gateway !== wanted)) continue;
    const at = hour.slice(0, PREFIX[by]);
    const key = JSON.stringify([at, gateway, model]);
    const before = sums.get(key);
    sums.set(key, { at, subject, gateway, model, sum: before ? plus(before.sum, figures) : figures });
  }
  return [...sums.values()].map(({ sum, ...row }) => ({ ...row, ...sum }));
}
