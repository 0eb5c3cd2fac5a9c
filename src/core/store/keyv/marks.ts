/**
 * Marks of ended holds. Those of a subject's day are spread over many small documents: a document of its own for each
 * could not be found again to be forgotten, and one for all is read and written by every settlement.
 */
import { createHash } from 'node:crypto';
import type { Figures } from '../quota.js';
import type { Name, Turn } from './documents.js';

export interface Mark {
  state: 'settled' | 'expired';
  until: number;
  /** Of an expired one: what it was charged. */
  known?: Figures;
}

export type Marks = Record<string, Mark>;

/** Documents of a day: with 10,000 requests each has about eighty marks, which are five kilobytes. */
export const PARTS = 128;

function partsName(subject: string, day: string, part: number): Name {
  return ['marks', subject, day, String(part)];
}

/** The name of a hold in the marks. */
export function shortOf(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 16);
}

function partOf(subject: string, day: string, short: string): Name {
  return partsName(subject, day, Number.parseInt(short.slice(0, 4), 16) % PARTS);
}

export async function readMark(
  turn: Turn,
  subject: string,
  day: string,
  short: string,
): Promise<Mark | undefined> {
  return (await turn.get<Marks>(partOf(subject, day, short)))?.[short];
}

export async function writeMark(
  turn: Turn,
  subject: string,
  day: string,
  short: string,
  mark: Mark,
): Promise<void> {
  const part = partOf(subject, day, short);
  await turn.set(part, { ...(await turn.get<Marks>(part)), [short]: mark });
}

/** Forgets all marks of a day. */
export async function forgetMarks(turn: Turn, subject: string, day: string): Promise<void> {
  await Promise.all(Array.from({ length: PARTS }, (_, part) => turn.delete(partsName(subject, day, part))));
}
