/** Limits and usage of users, ours and the host app's, through the gateway's own methods. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LimitOverrides, Limits } from '../../src/core/limits/types.js';
import { type Rig, send, startRig, until } from '../support/gateway.js';
import { appUsers, as, chat, hello } from './users.js';

const BASIC = {
  token_limit_daily: 500_000,
  token_limit_hourly: 50_000,
  request_limit_daily: 5_000,
  request_limit_hourly: 500,
};

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ authenticate: appUsers, accounts: true });
});
afterAll(() => rig.close());

/** Sends until the limit that was just set is seen: within a second, says the gateway. */
async function status(headers: Record<string, string>, wanted: number): Promise<number> {
  const end = performance.now() + 3_000;
  for (;;) {
    const { status } = await chat(rig.url, headers);
    if (status === wanted || performance.now() > end) return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("the app's users", () => {
  test("have their role's limits until others are set", async () => {
    const who = { id: 'app-ann', role: 'basic' };
    expect(await rig.gateway.limits.get(who)).toEqual({ ollama: BASIC, openai: BASIC });
    expect(await rig.gateway.limits.overrides('app-ann')).toBeUndefined();

    const set = await rig.gateway.limits.set('app-ann', 'openai', { request_limit_daily: 7 });
    expect(set).toEqual({ openai: { request_limit_daily: 7 } });
    await rig.gateway.limits.set('app-ann', undefined, { token_limit_hourly: null });
    expect(await rig.gateway.limits.get(who)).toEqual({
      ollama: { ...BASIC, token_limit_hourly: null },
      openai: { ...BASIC, request_limit_daily: 7, token_limit_hourly: null },
    });
  });

  test('are held to what was set, and to their role again after a reset', async () => {
    expect((await chat(rig.url, as('bob'))).status).toBe(200);
    await rig.gateway.limits.set('app-bob', 'openai', { request_limit_hourly: 1 });
    expect(await status(as('bob'), 429)).toBe(429);
    const ollama = await send(rig.url, '/ollama/v1/chat', { headers: as('bob'), body: hello });
    expect(ollama.status).toBe(200);

    await rig.gateway.limits.reset('app-bob', 'openai');
    expect(await status(as('bob'), 200)).toBe(200);
    expect(await rig.gateway.limits.get({ id: 'app-bob', role: 'basic' })).toMatchObject({ openai: BASIC });
  });

  test('a reset of one gateway leaves the other, a reset of all leaves nothing', async () => {
    const { limits } = rig.gateway;
    await limits.set('app-cleo', undefined, { token_limit_daily: 5 });
    await limits.reset('app-cleo', 'ollama');
    expect(await limits.overrides('app-cleo')).toEqual({ openai: { token_limit_daily: 5 } });
    await limits.reset('app-cleo');
    expect(await limits.overrides('app-cleo')).toBeUndefined();
    await limits.reset('app-nobody');
  });

  test('no change is lost when several are made at once', async () => {
    const options = Object.keys(BASIC) as (keyof Limits)[];
    await Promise.all(
      options.flatMap((option, i) => [
        rig.gateway.limits.set('app-dora', 'ollama', { [option]: i + 1 }),
        rig.gateway.limits.set('app-dora', 'openai', { [option]: i + 11 }),
      ]),
    );
    const wanted: LimitOverrides = {
      ollama: Object.fromEntries(options.map((option, i) => [option, i + 1])),
      openai: Object.fromEntries(options.map((option, i) => [option, i + 11])),
    };
    expect(await rig.gateway.limits.overrides('app-dora')).toEqual(wanted);
  });

  test('see their usage, and so does the app', async () => {
    await chat(rig.url, as('eve'));
    const usage = await rig.gateway.usage.current({ id: 'app-eve', role: 'basic' });
    expect(usage.gateways.openai?.today).toEqual({
      total_tokens: 20,
      total_requests: 1,
      remaining_tokens: 499_980,
      remaining_requests: 4_999,
    });
    expect(usage).toEqual((await send(rig.url, '/admin/v1/usage', { headers: as('eve') })).json);
  });
});

describe('accounts', () => {
  test('keep what is set in their own record, where the command line sees it', async () => {
    const { id, username, key } = await rig.user('basic', 'own-user');
    await rig.gateway.limits.set(id, 'openai', { request_limit_hourly: 0 });
    expect((await rig.gateway.users.get(username))?.limits).toEqual({ openai: { request_limit_hourly: 0 } });
    expect((await rig.gateway.limits.get(id)).openai).toEqual({ ...BASIC, request_limit_hourly: 0 });
    expect(await status({ authorization: `Bearer ${key}` }, 429)).toBe(429);

    await rig.gateway.limits.reset(id);
    expect((await rig.gateway.users.get(username))?.limits).toEqual({});
    expect(await status({ authorization: `Bearer ${key}` }, 200)).toBe(200);
    expect((await rig.gateway.usage.current(id)).gateways.openai?.today.total_requests).toBe(1);
  });

  test("hold for a user that the app's sign-in gives under the account's id too", async () => {
    const { id } = await rig.user('basic', 'app-linked');
    await rig.gateway.limits.set(id, 'ollama', { token_limit_daily: 3 });
    expect(await rig.gateway.limits.get({ id, role: 'premium' })).toMatchObject({
      ollama: { token_limit_daily: 3, token_limit_hourly: 500_000 },
    });
  });

  test('an id that is none is said to be none', async () => {
    const { limits, usage } = rig.gateway;
    const missing = {
      kind: 'not_found',
      message: expect.stringContaining('no account with the id "app-ann"'),
    };
    await expect(limits.get('app-ann')).rejects.toMatchObject(missing);
    await expect(usage.current('app-ann')).rejects.toMatchObject(missing);
  });
});

test.each([
  [['x', 'openai', { token_limit_dayly: 1 }], 'limits.openai.token_limit_dayly'],
  [['x', 'openai', { token_limit_daily: -1 }], 'limits.openai.token_limit_daily'],
  [['x', undefined, { request_limit_hourly: 1.5 }], 'limits.ollama.request_limit_hourly'],
  [['x', undefined, { request_limit_hourly: '5' }], 'limits.ollama.request_limit_hourly'],
  [['x', 'claude', { token_limit_daily: 1 }], 'limits.claude'],
  [['x', 'openai', undefined], 'limits'],
  [['', 'openai', { token_limit_daily: 1 }], 'id'],
  [[7, 'openai', { token_limit_daily: 1 }], 'id'],
])('limits.set%j is an error that names %s', async (given, param) => {
  const set = rig.gateway.limits.set as (...args: unknown[]) => Promise<unknown>;
  await expect(set(...(given as unknown[]))).rejects.toMatchObject({ kind: 'invalid_value', param });
  expect(await rig.gateway.limits.overrides('x')).toBeUndefined();
});

test('a report has a row for each hour or day, user, gateway and model', async () => {
  const start = new Date(Date.now() - 60_000);
  const end = new Date(Date.now() + 3_600_000);
  await chat(rig.url, as('fay'));
  await chat(rig.url, as('fay'));
  await chat(rig.url, as('gus'));
  const rows = [];
  for await (const row of rig.gateway.usage.report({
    from: start,
    to: end,
    by: 'hour',
    subject: 'app-fay',
  })) {
    rows.push(row);
  }
  expect(rows.reduce((sum, row) => sum + row.requests, 0)).toBe(2);
  expect(rows[0]).toMatchObject({ subject: 'app-fay', gateway: 'openai', model: 'llama2' });

  const days = [];
  const [from, to] = [start.toISOString().slice(0, 10), end.toISOString().slice(0, 13)];
  for await (const row of rig.gateway.usage.report({ from, to, by: 'day', gateway: 'openai' }))
    days.push(row);
  expect(days.map(({ subject }) => subject)).toEqual(expect.arrayContaining(['app-fay', 'app-gus']));
  expect(days[0]?.at).toMatch(/^\d{4}-\d{2}-\d{2}$/);
});

test.each([
  [{ from: 'yesterday', to: '2026-11-23', by: 'day' }, 'from'],
  [{ from: '2026-11-22', to: '2026-13-45', by: 'day' }, 'to'],
  [{ from: '2026-11-22', to: '2026-11-23', by: 'week' }, 'by'],
  [{ from: '2026-11-22', to: '2026-11-23', by: 'day', gateway: 'claude' }, 'gateway'],
])('a report of %j is an error that names %s', (options, param) => {
  const report = rig.gateway.usage.report as (options: unknown) => unknown;
  expect(() => report(options)).toThrow(expect.objectContaining({ kind: 'invalid_value', param }));
});

test('an identity that cannot carry a quota is an error of the app, told in its log', async () => {
  const broken = await startRig({ authenticate: () => ({ id: 42 as unknown as string, role: 'basic' }) });
  try {
    expect((await chat(broken.url, {})).status).toBe(500);
    const line = await until(() => broken.log.find(({ msg }) => msg === 'bug'));
    expect(String((line.err as Error).message)).toContain('whose id is 42');
    expect(broken.simulator.requests).toHaveLength(0);
  } finally {
    await broken.close();
  }
});
