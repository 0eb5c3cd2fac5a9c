import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Aftermath, heldUntil } from '../aftermath.js';
import { load, statuses } from '../clients.js';
import type { Fleet } from '../fleet.js';
import { FULL } from '../report.js';

const ROUNDS = FULL ? 10 : 2;
const LIMIT = 60_000;

export function proveKills(fleet: () => Fleet, left: Aftermath[]): void {
  it(`stands kill -9 of one of four gateways under load, ${ROUNDS} times`, async () => {
    const { servers, simulator, member, counters, start } = fleet();
    for (let round = 0; round < ROUNDS; round += 1) {
      const user = await member(`killed-${round}`, { token_limit_daily: LIMIT });
      const running = load(servers, user, 40, { text: 'Count from 1 to 60' });
      await sleep(700);
      const at = round % servers.length;
      const victim = servers[at]!;
      // In the middle of their answers.
      simulator.pace = 3;
      await sleep(100);
      victim.kill('SIGKILL');
      await victim.exited;
      const killedAt = performance.now();
      const { tokens } = await counters(user);
      expect(tokens.used + tokens.held).toBeLessThanOrEqual(LIMIT);
      simulator.pace = 0;
      await sleep(300);
      const answers = await running.stop();
      servers[at] = await start();
      // Whoever asked the dead one met nobody; all the others were served.
      const odd = Object.keys(statuses(answers)).filter((status) => !['0', '200', '429'].includes(status));
      expect(odd).toEqual([]);
      const full = answers.filter(({ complete }) => complete);
      expect(full.length).toBeGreaterThan(10);
      const back = heldUntil(fleet(), user, killedAt);
      back.catch(() => undefined);
      left.push({
        claim: 'kill -9 of one of 4 gateways under load',
        user,
        limit: LIMIT,
        full,
        back,
        words: `${ROUNDS} times, no counter above its limit`,
      });
    }
  }, 240_000);
}
