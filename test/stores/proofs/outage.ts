import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Aftermath, heldUntil } from '../aftermath.js';
import { load, statuses, stream } from '../clients.js';
import type { Fleet } from '../fleet.js';
import { FULL } from '../report.js';

const ROUNDS = FULL ? 3 : 1;

export function proveOutage(fleet: () => Fleet, left: Aftermath[]): void {
  it(`stands a store that is killed and restarted under load, ${ROUNDS} times`, async () => {
    const { servers, simulator, member, place } = fleet();
    const server = place.server!;
    const pids = servers.map(({ pid }) => pid);
    for (let round = 0; round < ROUNDS; round += 1) {
      const user = await member(`outage-${round}`);
      const forwarded = simulator.requests.length;
      const running = load(servers, user, 30);
      await sleep(600);
      await server.kill();
      const before = running.answers.length;
      await sleep(2_500);
      await server.restart();
      const restartedAt = performance.now();
      const down = running.answers.slice(before);
      await sleep(1_500);
      const answers = await running.stop();

      expect(Object.keys(statuses(answers)).sort()).toEqual(['200', '503']);
      const refused = statuses(down)[503] ?? 0;
      expect(refused).toBeGreaterThan(100);
      // Nobody was let through who was not admitted: what Ollama was asked for is what was answered with 200.
      const admitted = statuses(answers)[200] ?? 0;
      expect(simulator.requests.length - forwarded).toBeLessThanOrEqual(admitted + 30);
      const back = heldUntil(fleet(), user, restartedAt);
      back.catch(() => undefined);
      left.push({
        claim: 'Store killed and restarted under load',
        user,
        full: answers.filter(({ complete }) => complete),
        back,
        words: '503 while it was down, never 401',
      });
    }
    for (const each of servers) {
      expect(await stream(each, await member(`after-${each.pid}`))).toMatchObject({ status: 200 });
    }
    // The same processes as before.
    for (const pid of pids) expect(() => process.kill(pid, 0)).not.toThrow();
  }, 120_000);
}
