import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Aftermath, heldUntil } from '../aftermath.js';
import { load, stream } from '../clients.js';
import type { Fleet } from '../fleet.js';

const LIMIT = 3_000;
/** Longer than a lease. */
const OUTAGE = 36_000;

/** The hold of a running answer outlives its lease: nobody may be given what it has used meanwhile. */
export function proveLongOutage(fleet: () => Fleet, left: Aftermath[]): void {
  it('keeps to a limit when the store is away for longer than a lease, in the middle of answers', async () => {
    const { servers, simulator, member, counters, place } = fleet();
    const user = await member('patient', { token_limit_daily: LIMIT });
    // They are still running when the store is back, and the store knows nothing of what they have used.
    simulator.pace = 70;
    const long = Array.from({ length: 4 }, () =>
      stream(servers[0]!, user, { text: 'Count from 1 to 5000', maxTokens: 600 }),
    );
    await sleep(2_000);
    place.freeze();
    await sleep(OUTAGE);
    place.thaw();
    const thawedAt = performance.now();
    const running = load(servers.slice(1), user, 20, { text: 'Count from 1 to 30', maxTokens: 100 });
    let most = 0;
    while (performance.now() - thawedAt < 20_000) {
      const tokens = (await counters(user).catch(() => undefined))?.tokens;
      if (tokens) most = Math.max(most, tokens.used + tokens.held);
      await sleep(5);
    }
    simulator.pace = 0;
    const answers = [...(await running.stop()), ...(await Promise.all(long))];
    expect(most).toBeLessThanOrEqual(LIMIT);
    expect(most).toBeGreaterThan(0.9 * LIMIT);
    const back = heldUntil(fleet(), user, performance.now());
    back.catch(() => undefined);
    left.push({
      claim: 'Store away for longer than a lease, in the middle of answers',
      user,
      limit: LIMIT,
      full: answers.filter(({ complete }) => complete),
      back,
      words: `at most ${most} of ${LIMIT} tokens used + held`,
    });
  }, 120_000);
}
