import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { statuses, stream, sumOf } from '../clients.js';
import type { Fleet } from '../fleet.js';
import { report } from '../report.js';

const LIMIT = 20_000;
const STREAMS = 50;

export function proveTokens(fleet: () => Fleet): void {
  it(`holds ${4 * STREAMS} streams of one user to a token limit, at every instant`, async () => {
    const { servers, member, counters, history, place } = fleet();
    const user = await member('streams', { token_limit_daily: LIMIT });
    let running = true;
    let samples = 0;
    let most = 0;
    const sampling = (async () => {
      for (; running; await sleep(2)) {
        const { tokens } = await counters(user);
        most = Math.max(most, tokens.used + tokens.held);
        samples += 1;
      }
    })();
    const clients = servers.flatMap((server) => Array.from({ length: STREAMS }, () => server));
    const answers = await Promise.all(
      clients.map((server) => stream(server, user, { text: 'Count from 1 to 200' })),
    );
    running = false;
    await sampling;

    expect(Object.keys(statuses(answers)).every((status) => ['200', '429'].includes(status))).toBe(true);
    const admitted = answers.filter(({ status }) => status === 200);
    expect(admitted.filter(({ complete }) => !complete)).toEqual([]);
    expect(samples).toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(LIMIT);
    // It was the limit that ended them.
    expect(most).toBeGreaterThan(0.8 * LIMIT);
    const used = await history(user);
    expect(used).toMatchObject(sumOf(admitted));
    expect(await counters(user)).toEqual({
      requests: { used: used.requests, held: 0 },
      tokens: { used: used.tokens, held: 0 },
    });
    report(
      `Token limit ${LIMIT.toLocaleString('en-US')}: 4 gateways x ${STREAMS} streams of one user`,
      place.kind,
      `at most ${most} used + held in ${samples} samples; counters = history = ${used.tokens}`,
    );
  }, 120_000);
}
