/** How long, on what, and where the results go: `npm run soak` and `npm run chaos` say; the suite runs a short form. */
import { appendFileSync } from 'node:fs';
import type { Kind } from '../stores/places.js';

export interface Options {
  /** Absent in the suite. */
  minutes?: number;
  store?: Kind;
  seed: number;
  /** Requests a second, about. */
  rate?: number;
  /** A file. */
  results?: string;
}

/** What a table is made of: the first row is its head. */
export type Table = string[][];

export function readOptions(): Options {
  const given = process.env.PARALLAMA_ENDURANCE;
  return { seed: 1, ...(given && (JSON.parse(given) as Partial<Options>)) };
}

export function reportTable({ results }: Options, title: string, rows: Table): void {
  if (results) appendFileSync(results, `${JSON.stringify({ title, rows })}\n`);
}

/** For who watches a long run. */
export function say({ results }: Options, line: string): void {
  if (results) process.stderr.write(`${line}\n`);
}
