/**
 * What the steps of a run came to: one list of numbers, in which each step's answer begins where the one before ends.
 */
import type { Extended, Reserved } from '../port.js';
import { afterwards } from '../quota.js';
import type { Step } from './steps.js';

export interface Answers {
  next(): number | null;
}

/** Instead of an answer: the step came too late, and was not carried out. */
export const LATE = 2;

/** Whether it was admitted, the claim that refused, what was left, what to grant, and the counters before. */
export function readReserved({ hold }: Step, answers: Answers): Reserved {
  const ok = answers.next() === 1;
  const [at, left, granted] = [answers.next(), answers.next(), answers.next()];
  const counters = hold.claims.map(() => ({ used: answers.next()!, held: answers.next()! }));
  if (!ok) return { ok, at: at!, counters };
  return { ok, granted: granted!, left, counters: afterwards(hold.claims, counters, granted!) };
}

/** Whether it is alive; then what was left, and what was granted. */
export function readExtended(_: Step, answers: Answers): Extended {
  if (answers.next() === 0) return { ok: false, why: 'gone' };
  const [left, granted] = [answers.next(), answers.next()];
  return granted === null ? { ok: false, why: 'full' } : { ok: true, granted, left };
}

/** Whether it was settled by this. */
export function readSettled(_: Step, answers: Answers): boolean {
  return answers.next() === 1;
}
