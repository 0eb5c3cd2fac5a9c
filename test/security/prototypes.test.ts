/** Names that every object has (`__proto__`, `constructor`) are names like all others, wherever they can be written. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkConfig } from '../../src/core/config.js';
import { createSettingsAdmin } from '../../src/core/settings.js';
import { type Rig, send, startRig } from '../support/gateway.js';

const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];
const POLLUTION = '{"__proto__":{"polluted":1,"role":"admin"},"constructor":{"prototype":{"polluted":1}}';

let rig: Rig;
let key: string;
beforeAll(async () => {
  rig = await startRig();
  ({ key } = await rig.user('basic', 'ann'));
});
afterAll(() => rig.close());
afterEach(() => {
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(({} as Record<string, unknown>).role).toBeUndefined();
});

describe.each(NAMES)('%s', (name) => {
  test('as a user is one like any other', async () => {
    const body = { username: name, password: 'a-good-password' };
    const { status, json } = await send(rig.url, '/auth/register', { body });
    expect({ status, json }).toMatchObject({ status: 201, json: { username: name, role: 'basic' } });
    expect((await send(rig.url, '/auth/register', { body })).status).toBe(409);
    const login = (await send(rig.url, '/auth/login', { body })).json as { access_token: string };
    const usage = await send(rig.url, `/admin/v1/usage?user=${name}`, { key: login.access_token });
    expect(usage.status).toBe(200);
    await rig.gateway.users.delete(name);
    expect(await rig.gateway.users.get(name)).toBeUndefined();
  });

  test('as a model is none', async () => {
    const messages = [{ role: 'user', content: 'Hello!' }];
    for (const path of ['/openai/v1/chat/completions', '/ollama/v1/chat', '/ollama/api/chat']) {
      expect((await send(rig.url, path, { key, body: { model: name, messages } })).status).toBe(404);
    }
    expect((await send(rig.url, `/openai/v1/models/${name}`, { key })).status).toBe(404);
  });

  test('as a role, a gateway or a limit does not exist', async () => {
    const user = { username: 'nobody', password: 'a-good-password' };
    await expect(rig.gateway.users.create({ ...user, role: name })).rejects.toThrow('Unknown role');
    expect(rig.gateway.roles.get(name)).toBeUndefined();
    const overrides = JSON.parse(`{"${name}":{"token_limit_daily":1}}`);
    await expect(rig.gateway.users.setLimits('ann', overrides)).rejects.toThrow('Unknown gateway');
    const limits = JSON.parse(`{"openai":{"${name}":1}}`);
    await expect(rig.gateway.users.setLimits('ann', limits)).rejects.toThrow('Unknown limit');
  });

  test('as a mapping maps nothing else', async () => {
    const settings = createSettingsAdmin({ store: rig.store, config: rig.gateway.config });
    const before = await settings.get('openai');
    await settings.change('openai', { model_mappings: JSON.parse(`{"${name}":"llama2"}`) });
    const { model_mappings } = await settings.get('openai');
    const { [name]: _, ...others } = Object.fromEntries(Object.entries(model_mappings));
    expect(others).toEqual(before.model_mappings);
    await settings.reset('openai');
  });

  test('in a configuration is refused by name, or is a name', () => {
    const wrong = parse(`${name}: { polluted: 1 }`);
    expect(() => checkConfig(wrong)).toThrow(name);
    expect(() => checkConfig(parse(`server: { ${name}: { polluted: 1 } }`))).toThrow(name);
  });
});

const BODIES = [
  ['/auth/register', `${POLLUTION},"username":"eve","password":"a-good-password"}`, 201],
  ['/auth/login', `${POLLUTION},"username":"eve","password":"a-good-password"}`, 200],
  ['/auth/token', `${POLLUTION},"refresh_token":"rt_x"}`, 401],
  ['/auth/keys', `${POLLUTION},"name":"mine"}`, 201],
  [
    '/openai/v1/responses',
    `${POLLUTION},"model":"llama2","input":"Hello!","tools":[{"type":"function","name":"__proto__","parameters":{"type":"object","properties":{"__proto__":{"type":"string"}}}}]}`,
    200,
  ],
] as const;

test.each(BODIES)('a body of %s with them does what it says without them', async (path, body, status) => {
  const reply = await send(rig.url, path, { key, body });
  expect(reply.status).toBe(status);
  expect(reply.text).not.toContain('"role":"admin"');
  expect(reply.text).not.toContain('polluted');
});

test('a query, and headers, with them do nothing', async () => {
  const headers = { __proto__x: '1', constructor: '1', 'x-request-id': '__proto__' };
  const reply = await send(
    rig.url,
    '/admin/v1/usage?__proto__[polluted]=1&constructor[prototype][polluted]=1',
    {
      key,
      headers,
    },
  );
  expect(reply.status).toBe(200);
});
