/** Whether an answer may be as it is, given what was wrong while it was made. */
import type { Answer } from './answers.js';
import type { Calamity, Hit } from './calamities.js';

/** One calamity, until every gateway answered again. */
export interface Trouble {
  calamity: Calamity;
  slot: number;
  from: number;
  to: number;
}

/** Undefined where it may; else why not. */
export function objectionTo(answer: Answer, troubles: Trouble[]): string | undefined {
  const { status, end, retry, slot, began, ended, text } = answer;
  if (end === 'full' || end === 'left') return undefined;
  const hits = new Set(
    troubles
      .filter(({ from, to }) => began < to && ended > from)
      .flatMap((trouble) => excusesOf(trouble, slot)),
  );
  const excused = (...by: Hit[]) => by.some((hit) => hits.has(hit));
  const said = `${status} ${end} ${text.slice(-200)}`;
  if (end === 'broken') {
    // Who ends orderly takes no new connections, and breaks none that it has.
    return excused('dead') || (status === 0 && excused('ending')) ? undefined : said;
  }
  if (status === 429) return retry ? undefined : `429 without Retry-After: ${said}`;
  if (status === 503) return retry && excused('store', 'standing') ? undefined : said;
  if (status === 502 || status === 504) return excused('upstream') ? undefined : said;
  if (status === 200) return excused('store', 'standing', 'upstream') ? undefined : said;
  return said;
}

/** A gateway's own trouble is no excuse for the others. */
function excusesOf({ calamity, slot }: Trouble, asked: number): Hit[] {
  return calamity.hits.filter((hit) => hit === 'store' || hit === 'upstream' || slot === asked);
}
