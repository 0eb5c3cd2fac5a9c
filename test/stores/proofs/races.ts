import { expect, it } from 'vitest';
import { type Reply, send } from '../../support/gateway.js';
import type { Fleet } from '../fleet.js';
import { report } from '../report.js';

const CALLS = 200;

export function proveRaces(fleet: () => Fleet): void {
  const all = async (path: string, body: object): Promise<number[]> => {
    const { servers } = fleet();
    const replies = await Promise.all(
      Array.from({ length: CALLS }, (_, at) => send(servers[at % servers.length]!.url, path, { body })),
    );
    return replies.map(({ status }) => status);
  };
  const json = (reply: Reply) => reply.json as Record<string, string>;

  it(`gives a name to one of ${CALLS} registrations at once`, async () => {
    const { admin, place } = fleet();
    const found = await all('/auth/register', { username: 'Wanted', password: 'a-good-password' });
    expect(found.sort()).toEqual([201, ...Array(CALLS - 1).fill(409)]);
    const named = [];
    for await (const user of admin.users.list()) if (user.username === 'Wanted') named.push(user);
    expect(named).toHaveLength(1);
    report(`${CALLS} registrations of one name at once`, place.kind, 'one 201, all others 409');
  }, 60_000);

  it(`takes a refresh token once of ${CALLS} times, and ends its session`, async () => {
    const { servers, place } = fleet();
    const session = { username: 'wanted', password: 'a-good-password' };
    const body = {
      refresh_token: json(await send(servers[0]!.url, '/auth/login', { body: session })).refresh_token,
    };
    const replies = await Promise.all(
      Array.from({ length: CALLS }, (_, at) => {
        return send(servers[at % servers.length]!.url, '/auth/token', { body });
      }),
    );
    const winners = replies.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 401)).toHaveLength(CALLS - 1);
    const next = { refresh_token: json(winners[0]!).refresh_token };
    for (const { url } of servers) {
      expect((await send(url, '/auth/token', { body: next })).status).toBe(401);
    }
    report(
      `${CALLS} uses of one refresh token at once`,
      place.kind,
      'one 200, all others 401; chain revoked',
    );
  }, 60_000);
}
