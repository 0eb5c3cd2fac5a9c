/** Answers under way end within a second when their user may no longer have them, and are charged for what there was. */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Rig, send, startRig, until } from '../support/gateway.js';

/** Milliseconds, as the design promises. */
const PROMISED = 1_000;
const TEXT = 'Count from 1 to 5000';
const OPENAI = ['/openai/v1/chat/completions', { messages: [{ role: 'user', content: TEXT }] }] as const;
const NATIVE = ['/ollama/api/chat', { messages: [{ role: 'user', content: TEXT }] }] as const;
const GUIDE = ['/ollama/v1/generate', { prompt: TEXT }] as const;
const RESPONSES = ['/openai/v1/responses', { input: TEXT }] as const;

const config = { roles: { native: { gateways: ['ollama' as const] } } };
let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ simulator: { pace: 5 }, config });
});
afterAll(() => rig.close());

/** A streamed answer, read until it ends. */
async function stream(path: string, body: object, key: string) {
  const { hostname, port } = new URL(rig.url);
  let text = '';
  let status = 0;
  let endedAt: number | undefined;
  const req = httpRequest({ hostname, port, path, method: 'POST', agent: false });
  req.setHeader('authorization', `Bearer ${key}`);
  req.on('response', (res) => {
    status = res.statusCode ?? 0;
    res.on('data', (chunk) => {
      text += chunk;
    });
    res.on('end', () => {
      endedAt = performance.now();
    });
  });
  req.on('error', () => undefined);
  onTestFinished(() => void req.destroy());
  req.end(JSON.stringify({ model: 'llama2', stream: true, ...body }));
  await until(() => text.length > 2_000);
  return {
    status: () => status,
    text: () => text,
    ended: () => until(() => endedAt, 5_000),
    running: () => endedAt === undefined,
  };
}

const upstreamEnded = () => until(() => rig.simulator.requests.every(({ state }) => state !== 'running'));

type Person = { id: string; username: string; key: string };
type Revoke = (person: Person) => Promise<unknown>;

const revokeKey: Revoke = async (person) => {
  const [key] = await rig.gateway.keys.list(person);
  await rig.gateway.keys.revoke(key!.id);
};
const deleteUser: Revoke = ({ username }) => rig.gateway.users.delete(username);
const replaceUser: Revoke = async ({ username }) => {
  await rig.gateway.users.delete(username);
  await rig.gateway.users.create({ username, password: 'another-password', role: 'premium' });
};
const cutLimit: Revoke = ({ id }) => rig.gateway.limits.set(id, undefined, { token_limit_hourly: 50 });
const takeGateway: Revoke = ({ username }) => rig.gateway.users.setRole(username, 'native');

test.each<[string, Revoke, readonly [string, object], RegExp]>([
  ['a revoked key, OpenAI', revokeKey, OPENAI, /\ndata: \{"error":\{.*"code":"invalid_api_key"\}\}\n\n$/],
  ['a revoked key, native', revokeKey, NATIVE, /\n\{"error":"This API key has been revoked\."\}\n$/],
  ['a revoked key, the guide', revokeKey, GUIDE, /\n\{"error":"This API key has been revoked\."\}\n$/],
  ['a revoked key, responses', revokeKey, RESPONSES, /"type":"response\.failed".*\n\n$/],
  ['a deleted user', deleteUser, OPENAI, /"code":"invalid_api_key"\}\}\n\n$/],
  ['a deleted user whose name is taken anew', replaceUser, OPENAI, /"code":"invalid_api_key"\}\}\n\n$/],
  ['a limit below what is used', cutLimit, OPENAI, /"type":"tokens".*"code":"rate_limit_exceeded"\}\}\n\n$/],
  ['a role without the gateway', takeGateway, OPENAI, /"code":"forbidden"\}\}\n\n$/],
])('%s ends the answer with an error, and what was generated is charged', async (_, revoke, ask, end) => {
  const person = await rig.user('premium');
  const answer = await stream(ask[0], ask[1], person.key);
  const revokedAt = performance.now();
  await revoke(person);
  expect((await answer.ended()) - revokedAt).toBeLessThan(PROMISED);
  expect(answer.status()).toBe(200);
  expect(answer.text()).toMatch(end);
  expect(answer.text()).not.toContain('[DONE]');
  await upstreamEnded();
  const generated = rig.simulator.requests.at(-1)!.generated;
  const [row, ...more] = await rig.history(person.id);
  expect(more).toEqual([]);
  expect(row).toMatchObject({ requests: 1, aborted: 1, errors: 0 });
  expect(row!.completionTokens).toBeGreaterThan(10);
  expect(row!.completionTokens).toBeLessThanOrEqual(generated);
});

test('the namesake of a user who was deleted under way has nothing of its past', async () => {
  const person = await rig.user('premium');
  const answer = await stream(...OPENAI, person.key);
  await replaceUser(person);
  const namesake = (await rig.gateway.users.get(person.username))!;
  await answer.ended();
  await upstreamEnded();
  expect(namesake.id).not.toBe(person.id);
  expect(await rig.history(person.id)).toMatchObject([{ requests: 1 }]);
  expect(await rig.history(namesake.id)).toEqual([]);
  const { gateways } = await rig.gateway.usage.current(namesake.id);
  expect(gateways.openai?.today).toMatchObject({ total_tokens: 0, total_requests: 0 });
});

test('a role that is changed under way charges what was used to its user, under the limits of the new one', async () => {
  const person = await rig.user('basic');
  const answer = await stream(...OPENAI, person.key);
  await rig.gateway.users.setRole(person.username, 'premium');
  await revokeKey(person);
  await answer.ended();
  await upstreamEnded();
  const [row] = await rig.history(person.id);
  const { gateways } = await rig.gateway.usage.current(person.id);
  expect(gateways.openai?.today).toMatchObject({
    total_tokens: row!.promptTokens + row!.completionTokens,
    total_requests: 1,
    remaining_requests: rig.gateway.roles.get('premium')!.limits.openai.request_limit_daily! - 1,
  });
});

test('a whole answer that has not begun is refused as one that is asked for now would be', async () => {
  const person = await rig.user('premium');
  const reply = send(rig.url, OPENAI[0], { key: person.key, body: { model: 'llama2', ...OPENAI[1] } });
  await until(() =>
    rig.simulator.requests.some(({ state, generated }) => state === 'running' && generated > 9),
  );
  await revokeKey(person);
  expect(await reply).toMatchObject({ status: 401, json: { error: { code: 'invalid_api_key' } } });
  await upstreamEnded();
  expect(await rig.history(person.id)).toMatchObject([{ requests: 1, aborted: 1 }]);
});

test('revoked tokens end the answers that were asked for with one, and no others', async () => {
  const person = await rig.user('premium');
  const login = { username: person.username, password: 'a-good-password' };
  const { access_token } = (await send(rig.url, '/auth/login', { body: login })).json as Record<
    string,
    string
  >;
  const [byToken, byKey] = [await stream(...OPENAI, access_token!), await stream(...OPENAI, person.key)];
  await rig.gateway.users.revokeTokens(person.username);
  await byToken.ended();
  expect(byToken.text()).toMatch(/"code":"invalid_token"\}\}\n\n$/);
  expect(byKey.running()).toBe(true);
  await revokeKey(person);
  await byKey.ended();
});

test('a higher limit, a lower one that is not reached, and a role that may go on, end nothing', async () => {
  const person = await rig.user('premium');
  const answer = await stream(...OPENAI, person.key);
  await rig.gateway.limits.set(person.id, undefined, { token_limit_hourly: 90_000 });
  await rig.gateway.users.setRole(person.username, 'basic');
  const soFar = answer.text().length;
  await until(() => answer.text().length > soFar + 30_000);
  expect(answer.running()).toBe(true);
  await rig.gateway.limits.set(person.id, 'openai', { request_limit_daily: 0 });
  await answer.ended();
  expect(answer.text()).toMatch(/"type":"requests".*\}\}\n\n$/);
});

test("a limit of the host app's user that is lowered ends the answer", async () => {
  const app = await startRig({
    simulator: { pace: 5 },
    authenticate: ({ headers }) => ({ id: String(headers['x-user']), role: 'premium' }),
  });
  onTestFinished(() => app.close());
  const reply = send(app.url, OPENAI[0], {
    headers: { 'x-user': 'app-7' },
    body: { model: 'llama2', stream: true, ...OPENAI[1] },
  });
  await until(() => app.simulator.requests.some(({ generated }) => generated > 100));
  await app.gateway.limits.set('app-7', 'openai', { token_limit_daily: 50 });
  expect((await reply).text).toMatch(/"code":"rate_limit_exceeded"\}\}\n\n$/);
  expect(await app.history('app-7')).toMatchObject([{ requests: 1, aborted: 1 }]);
});
