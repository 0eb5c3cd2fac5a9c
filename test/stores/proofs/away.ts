import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { send } from '../../support/gateway.js';
import { stream } from '../clients.js';
import { startFleet } from '../fleet.js';
import { type Kind, startPlaceAway } from '../places.js';
import { report } from '../report.js';

export function proveAway(kind: Kind): void {
  it('starts while its store is away, and serves once it is there', async () => {
    const { place, arrive } = await startPlaceAway(kind);
    onTestFinished(() => place.stop());
    const { servers, member, stop } = await startFleet({ place, gateways: 1 });
    onTestFinished(() => stop());
    const [server] = servers as [(typeof servers)[0]];
    const status = async (path: string) => (await send(server.url, path)).status;
    expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 503]);
    const nobody = { key: 'pk_live_nobody' };
    const body = { username: 'early', password: 'a-good-password' };
    expect((await send(server.url, '/auth/register', { body })).status).toBe(503);
    expect([401, 503]).toContain((await stream(server, nobody)).status);

    await arrive();
    const arrivedAt = performance.now();
    while ((await status('/readyz')) !== 200 && performance.now() - arrivedAt < 15_000) await sleep(50);
    const ready = performance.now() - arrivedAt;
    expect(await status('/readyz')).toBe(200);
    expect(await stream(server, await member('later'))).toMatchObject({ status: 200, complete: true });
    report(
      'Store away at the start of `serve`',
      kind,
      `healthz 200, readyz 503; ready ${(ready / 1000).toFixed(1)} s after it came`,
    );
  }, 60_000);
}
