import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { send } from '../../support/gateway.js';
import { type Aftermath, heldUntil } from '../aftermath.js';
import { stream } from '../clients.js';
import type { Fleet } from '../fleet.js';

export function proveFreeze(fleet: () => Fleet, left: Aftermath[]): void {
  it('answers 503 within the deadline while the store stands still, and goes on when it moves', async () => {
    const { servers, member, place } = fleet();
    const user = await member('frozen');
    const session = { username: 'frozen', password: 'a-good-password' };
    const login = await send(servers[0]!.url, '/auth/login', { body: session });
    const body = { refresh_token: (login.json as { refresh_token: string }).refresh_token };
    for (const server of servers) expect(await stream(server, user)).toMatchObject({ status: 200 });

    place.freeze();
    // Who somebody is, is remembered for 800 ms.
    await sleep(1_000);
    const start = performance.now();
    const replies = await Promise.all(
      servers.flatMap(({ url }) => [
        ...(place.server ? [send(url, '/openai/v1/models', { key: user.key })] : []),
        send(url, '/auth/token', { body }),
        send(url, '/openai/v1/chat/completions', {
          key: user.key,
          body: { model: 'gpt-4', messages: [{ role: 'user', content: 'Hello' }] },
        }),
      ]),
    );
    const took = performance.now() - start;
    const health = await send(servers[0]!.url, '/healthz');
    place.thaw();

    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 503));
    for (const { headers } of replies) expect(headers['retry-after']).toBeDefined();
    // One deadline for the key, and one for what was asked for; a busy machine may be late.
    expect(took).toBeLessThan(8_000);
    expect(health.status).toBe(200);

    const end = performance.now() + 15_000;
    for (const server of servers) {
      let status = 0;
      while (status !== 200 && performance.now() < end) status = (await stream(server, user)).status;
      expect(status).toBe(200);
    }
    // None of the refused requests has used up the refresh token.
    expect((await send(servers[0]!.url, '/auth/token', { body })).status).toBe(200);
    const back = heldUntil(fleet(), user, performance.now());
    back.catch(() => undefined);
    left.push({
      claim: 'Store frozen (SIGSTOP; the file: locked by another process)',
      user,
      full: [],
      back,
      words: `all 503 within ${(took / 1000).toFixed(1)} s`,
    });
  }, 60_000);
}
