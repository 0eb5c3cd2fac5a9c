/** Answers do not tell who and what there is, but for registration, where a taken name has to be told (409). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Reply, type Rig, type SendOptions, send, startRig } from '../support/gateway.js';
import { withinOneWindow } from './window.js';

const INVITATION = 'a-long-invitation';
let rig: Rig;
let ann: Awaited<ReturnType<Rig['user']>>;
let eve: Awaited<ReturnType<Rig['user']>>;
beforeAll(async () => {
  rig = await startRig({ config: { auth: { registration: 'invite', invitations: [INVITATION] } } });
  ann = await rig.user('basic', 'ann');
  eve = await rig.user('basic', 'eve');
});
afterAll(() => rig.close());

/** Everything that a client sees, but for what is another for each request. */
function seen({ status, headers, text }: Reply): unknown {
  const { 'x-request-id': _id, date: _date, ...rest } = headers;
  return { status, headers: rest, text };
}

async function same(path: string, a: SendOptions, b: SendOptions): Promise<Reply> {
  const [first, second] = [await send(rig.url, path, a), await send(rig.url, path, b)];
  expect(seen(second)).toEqual(seen(first));
  return first;
}

const login = (username: string) => ({ body: { username, password: 'a-wrong-password' } });

describe('a login', () => {
  test.each(['nobody', 'No such name!', '__proto__', 'ann\0', ' ann'])(
    'of %j is answered as a wrong password of a user',
    async (name) => {
      expect((await same('/auth/login', login('ann'), login(name))).status).toBe(401);
    },
  );

  test('that is throttled does not tell either', { timeout: 60_000 }, async () => {
    await withinOneWindow();
    await rig.user('basic', 'known-and-tried');
    for (const name of ['known-and-tried', 'unknown-and-tried']) {
      for (let i = 0; i < 10; i += 1)
        expect((await send(rig.url, '/auth/login', login(name))).status).toBe(401);
    }
    const replies = await Promise.all(
      ['known-and-tried', 'unknown-and-tried'].map((name) => send(rig.url, '/auth/login', login(name))),
    );
    expect(replies.map(({ status }) => status)).toEqual([429, 429]);
    expect(JSON.stringify(replies[0]!.json).replace(/\d+ seconds/, '')).toBe(
      JSON.stringify(replies[1]!.json).replace(/\d+ seconds/, ''),
    );
  });
});

describe('a registration', () => {
  const register = (username: string, invitation?: string) => ({
    body: { username, password: 'a-good-password', invitation },
  });

  test.each([
    ['without an invitation', undefined, 400],
    ['with a wrong one', 'a-wrong-invitation', 403],
  ])('%s does not tell which names are taken', async (_, invitation, status) => {
    const { status: actual } = await same(
      '/auth/register',
      register('ann', invitation),
      register('free-name', invitation),
    );
    expect(actual).toBe(status);
  });

  test('with a right one tells a taken name, and no more of its user', async () => {
    const { status, json } = await send(rig.url, '/auth/register', register('ANN', INVITATION));
    expect(status).toBe(409);
    expect(JSON.stringify(json)).not.toContain(ann.id);
  });
});

test("another user's key, and one that is not there, are the same to a delete", async () => {
  const [key] = await rig.gateway.keys.list(ann);
  const remove = { method: 'DELETE', key: eve.key };
  const [real, none] = [
    await send(rig.url, `/auth/keys/${key!.id}`, remove),
    await send(rig.url, '/auth/keys/0123456789abcdef', remove),
  ];
  expect(real.status).toBe(404);
  expect(seen(none)).toEqual(seen(real));
  expect(await rig.gateway.keys.list(ann)).toHaveLength(1);
});

test('the usage of others is refused whether or not they exist', async () => {
  const ask = (name: string) => send(rig.url, `/admin/v1/usage?user=${name}`, { key: eve.key });
  const [real, none] = [await ask('ann'), await ask('nobody')];
  expect(real.status).toBe(403);
  expect(seen(none)).toEqual(seen(real));
});

test('a key that is right but for its secret is told as one that never was', async () => {
  const { id } = (await rig.gateway.keys.list(ann))[0]!;
  expect(ann.key).toContain(id);
  const other = (await rig.gateway.keys.generate(eve)).key;
  const forged = `pk_live_${id}${other.slice(-38)}`;
  const [real, none] = [
    await send(rig.url, '/openai/v1/models', { key: forged }),
    await send(rig.url, '/openai/v1/models', { key: `pk_live_0123456789abcdef${other.slice(-38)}` }),
  ];
  expect(real.status).toBe(401);
  expect(seen(none)).toEqual(seen(real));
});
