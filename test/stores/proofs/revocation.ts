import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { send } from '../../support/gateway.js';
import { load } from '../clients.js';
import type { Fleet } from '../fleet.js';
import { FULL, report } from '../report.js';

const KEYS = FULL ? 20 : 3;
const BOUND = 1_000;

export function proveRevocation(fleet: () => Fleet): void {
  it('refuses a revoked key in every process within a second, under load', async () => {
    const { servers, admin, member, place } = fleet();
    const user = await member('revoked');
    const running = load(servers, await member('busy'), 16);
    let longest = 0;
    for (let round = 0; round < KEYS; round += 1) {
      const { id, key } = await admin.keys.generate(user);
      const status = async ({ url }: { url: string }) =>
        (await send(url, '/openai/v1/models', { key })).status;
      expect(await Promise.all(servers.map(status))).toEqual(servers.map(() => 200));
      await send(servers[0]!.url, `/auth/keys/${id}`, { method: 'DELETE', key: user.key });
      const revokedAt = performance.now();
      const last = await Promise.all(servers.map((server) => lastTaken(() => status(server), revokedAt)));
      longest = Math.max(longest, ...last);
    }
    await running.stop();
    expect(longest).toBeLessThan(BOUND);
    report(
      'A key revoked by one process, seen by the others, under load',
      place.kind,
      `at most ${longest.toFixed(0)} ms, ${KEYS} keys`,
    );
  }, 120_000);
}

/** When, in milliseconds after the revocation, the last request was sent that was still served. */
async function lastTaken(ask: () => Promise<number>, revokedAt: number): Promise<number> {
  let last = 0;
  while (performance.now() - revokedAt < 1.5 * BOUND) {
    const sentAt = performance.now();
    const status = await ask();
    expect([200, 401]).toContain(status);
    if (status === 200) last = sentAt - revokedAt;
    await sleep(20);
  }
  return last;
}
