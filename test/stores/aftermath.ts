/** What has to come right by itself once processes or the store have died: looked at after everything else. */
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Answer, sumOf } from './clients.js';
import type { Fleet, Member } from './fleet.js';
import { report } from './report.js';

export interface Aftermath {
  claim: string;
  user: Member;
  /** Of tokens. */
  limit?: number;
  /** The answers that reached a client in full. */
  full: Answer[];
  /** Resolves with the milliseconds that holds took to come back. */
  back: Promise<number>;
  /** What else there is to say. */
  words: string;
}

/** Milliseconds within which nothing may be held any more for a request of a dead process. */
const PATIENCE = 60_000;

/** Looks until nothing is held of a user. */
export async function heldUntil(
  fleet: Pick<Fleet, 'counters'>,
  user: Member,
  since: number,
): Promise<number> {
  for (;;) {
    const counters = await fleet.counters(user).catch(() => undefined);
    const took = performance.now() - since;
    if (counters?.tokens.held === 0 && counters.requests.held === 0) return took;
    if (took > PATIENCE) throw new Error(`Still held after ${PATIENCE} ms: ${JSON.stringify(counters)}`);
    await sleep(100);
  }
}

export function proveAftermath(fleet: () => Fleet, left: Aftermath[]): void {
  it('gives back all holds, has every full answer in the history, and counters that agree with it', async () => {
    const { counters, history, differences, journal, place } = fleet();
    const claims = new Map<string, { words: string[]; longest: number; full: number }>();
    for (const { claim, user, limit = Number.POSITIVE_INFINITY, full, back, words } of left) {
      const took = await back;
      expect(took).toBeLessThan(PATIENCE);
      // What waited in the journal is there with the next sweep.
      const end = performance.now() + 15_000;
      while ((await journalSize(journal)) > 0 && performance.now() < end) await sleep(100);
      const used = await history(user);
      const got = sumOf(full);
      expect(used.requests).toBeGreaterThanOrEqual(got.requests);
      expect(used.tokens).toBeGreaterThanOrEqual(got.tokens);
      const { requests, tokens } = await counters(user);
      expect(requests).toEqual({ used: used.requests, held: 0 });
      expect(tokens).toEqual({ used: used.tokens, held: 0 });
      expect(tokens.used).toBeLessThanOrEqual(limit);
      const before = claims.get(claim) ?? { words: [], longest: 0, full: 0 };
      claims.set(claim, {
        words: [...before.words, words].filter(Boolean),
        longest: Math.max(before.longest, took),
        full: before.full + got.requests,
      });
    }
    expect(await journalSize(journal)).toBe(0);
    expect(await differences()).toEqual([]);
    for (const [claim, { words, longest, full }] of claims) {
      const seconds = (longest / 1000).toFixed(0);
      const said = [...new Set(words), `nothing held after ${seconds} s`];
      if (full > 0) said.push(`all ${full.toLocaleString('en-US')} full answers in the history`);
      report(claim, place.kind, said.join('; '));
    }
  }, 240_000);
}

const journalSize = async (directory: string) => (await readdir(directory).catch(() => [])).length;
