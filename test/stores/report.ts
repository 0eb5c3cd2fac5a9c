/** What `npm run prove` makes its table of. */
import { appendFileSync } from 'node:fs';
import type { Kind } from './places.js';

/** The long form, for the table; the suite runs a shorter one. */
export const FULL = process.env.PARALLAMA_PROVE !== undefined;

/** Notes a result once everything about it was held to be so. */
export function report(claim: string, kind: Kind | 'redis cluster', result: string): void {
  const file = process.env.PARALLAMA_PROVE;
  if (file) appendFileSync(file, `${JSON.stringify({ claim, kind, result })}\n`);
}
