/** Who may do what: the table of roles and routes of docs/security.md, asked route by route. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
const keys: Record<string, string> = {};
beforeAll(async () => {
  rig = await startRig({ config: { roles: { narrow: { gateways: ['openai'], models: ['llama2'] } } } });
  for (const role of ['basic', 'premium', 'narrow', 'admin']) keys[role] = (await rig.user(role, role)).key;
});
afterAll(() => rig.close());

const HELLO = {
  model: 'llama2',
  messages: [{ role: 'user', content: 'Hello!' }],
  prompt: 'Hello!',
  input: 'Hello!',
};
const DIGEST = `sha256:${'a'.repeat(64)}`;

const PUBLIC: [string, string][] = [
  ['GET', '/'],
  ['GET', '/status'],
  ['GET', '/healthz'],
  ['GET', '/readyz'],
  ['GET', '/metrics'],
  ['POST', '/auth/register'],
  ['POST', '/auth/login'],
  ['POST', '/auth/token'],
];
const ACCOUNT: [string, string, object?][] = [
  ['POST', '/auth/logout', {}],
  ['GET', '/auth/keys'],
  ['POST', '/auth/keys', {}],
  ['DELETE', '/auth/keys/0123456789abcdef'],
  ['GET', '/admin/v1/usage'],
];
const OPENAI: [string, string, object?][] = [
  ['GET', '/openai/v1/models'],
  ['GET', '/openai/v1/models/llama2'],
  ['POST', '/openai/v1/chat/completions', HELLO],
  ['POST', '/openai/v1/completions', { model: 'llama2', prompt: 'Hello!' }],
  ['POST', '/openai/v1/embeddings', { model: 'llama2', input: 'Hello!' }],
  ['POST', '/openai/v1/responses', { model: 'llama2', input: 'Hello!' }],
];
const OLLAMA: [string, string, object?][] = [
  ['GET', '/ollama'],
  ['GET', '/ollama/v1/models'],
  ['POST', '/ollama/v1/generate', HELLO],
  ['POST', '/ollama/v1/chat', HELLO],
  ['GET', '/ollama/api/version'],
  ['GET', '/ollama/api/tags'],
  ['GET', '/ollama/api/ps'],
  ['POST', '/ollama/api/show', HELLO],
  ['POST', '/ollama/api/generate', HELLO],
  ['POST', '/ollama/api/chat', HELLO],
  ['POST', '/ollama/api/embed', HELLO],
  ['POST', '/ollama/api/embeddings', HELLO],
];
const MANAGE: [string, string, object?][] = [
  ['POST', '/ollama/api/pull', { model: 'far' }],
  ['POST', '/ollama/api/push', { model: 'far' }],
  ['POST', '/ollama/api/create', { model: 'far' }],
  ['POST', '/ollama/api/copy', { source: 'none', destination: 'far' }],
  ['DELETE', '/ollama/api/delete', { model: 'far' }],
  ['HEAD', `/ollama/api/blobs/${DIGEST}`],
  ['POST', `/ollama/api/blobs/${DIGEST}`, {}],
];

async function statusOf(method: string, path: string, body?: object, key?: string): Promise<number> {
  const text = body && JSON.stringify(body);
  // Without a length, Node sends the body of a DELETE as if it were the next request.
  const headers: Record<string, string> = text === undefined ? {} : { 'content-length': String(text.length) };
  return (await send(rig.url, path, { method, body: text, key, headers })).status;
}

const allowed = (status: number) => status !== 401 && status !== 403;

test('the table has every route that the server lists', async () => {
  const { gateways } = (await send(rig.url, '/')).json as {
    gateways: Record<string, { endpoints: string[] }>;
  };
  const listed = Object.values(gateways).flatMap(({ endpoints }) => endpoints);
  const known = [...OPENAI, ...OLLAMA].map(
    ([method, path]) => `${method} ${path.replace(/models\/.*/, 'models/{id}')}`,
  );
  expect(listed.filter((endpoint) => !known.includes(endpoint) && endpoint !== 'GET /ollama/')).toEqual([]);
  expect(listed.length).toBeGreaterThanOrEqual(known.length);
});

describe('without a key', () => {
  test.each(PUBLIC)('%s %s is answered', async (method, path) => {
    expect(allowed(await statusOf(method, path, method === 'POST' ? {} : undefined))).toBe(true);
  });

  test.each([...ACCOUNT, ...OPENAI, ...OLLAMA, ...MANAGE])('%s %s is not', async (method, path, body) => {
    expect(await statusOf(method, path, body)).toBe(401);
  });
});

describe.each(['basic', 'premium'])('as %s', (role) => {
  test.each([...ACCOUNT, ...OPENAI, ...OLLAMA])('%s %s is answered', async (method, path, body) => {
    expect(allowed(await statusOf(method, path, body, keys[role]))).toBe(true);
  });

  test.each([...MANAGE, ['GET', '/admin/v1/usage?user=admin'] as const])(
    '%s %s is not',
    async (method, path, body) => {
      expect(await statusOf(method, path, body, keys[role])).toBe(403);
    },
  );
});

describe('as a role with one gateway', () => {
  test.each([...ACCOUNT, ...OPENAI])('%s %s is answered', async (method, path, body) => {
    expect(allowed(await statusOf(method, path, body, keys.narrow))).toBe(true);
  });

  test.each([...OLLAMA, ...MANAGE])('%s %s is not', async (method, path, body) => {
    expect(await statusOf(method, path, body, keys.narrow)).toBe(403);
  });
});

test.each([...ACCOUNT, ...OPENAI, ...OLLAMA, ...MANAGE, ['GET', '/admin/v1/usage?user=basic'] as const])(
  'as admin %s %s is answered',
  async (method, path, body) => {
    expect(allowed(await statusOf(method, path, body, keys.admin))).toBe(true);
  },
);

test('whoever registers is what the server makes of them, whatever they ask to be', async () => {
  const wished = {
    role: 'admin',
    admin: true,
    id: 'mine',
    user_id: 'mine',
    generation: 7,
    password_hash: '$argon2id$',
    limits: { openai: { token_limit_daily: null } },
    created_at: '2000-01-01T00:00:00.000Z',
  };
  const body = { username: 'eve', password: 'a-good-password', ...wished };
  const { status, json } = await send(rig.url, '/auth/register', { body });
  expect({ status, json }).toMatchObject({ status: 201, json: { role: 'basic' } });
  const user = await rig.gateway.users.get('eve');
  expect(user).toMatchObject({ role: 'basic', limits: {} });
  expect(user?.id).not.toBe('mine');
  expect(user?.created_at).not.toBe(wished.created_at);
  const login = await send(rig.url, '/auth/login', { body });
  expect(login.status).toBe(200);
});

test('a key is made for its maker, whoever else is named', async () => {
  const before = await rig.gateway.keys.list((await rig.gateway.users.get('admin'))!);
  const body = { name: 'mine', user: 'admin', user_id: 'admin', username: 'admin', role: 'admin', id: 'x' };
  const { json } = await send(rig.url, '/auth/keys', { key: keys.basic, body });
  expect(await statusOf('POST', '/ollama/api/pull', { model: 'far' }, (json as { key: string }).key)).toBe(
    403,
  );
  expect(await rig.gateway.keys.list((await rig.gateway.users.get('admin'))!)).toEqual(before);
});

test("somebody else's session is not ended by a logout, nor is a key by its owner's namesake", async () => {
  const body = { username: 'basic', password: 'a-good-password' };
  const { refresh_token } = (await send(rig.url, '/auth/login', { body })).json as { refresh_token: string };
  expect(await statusOf('POST', '/auth/logout', { refresh_token }, keys.premium)).toBe(204);
  expect(await statusOf('POST', '/auth/token', { refresh_token })).toBe(200);
});
