import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { ParallamaClient } from '../../src/client/index.js';
import { reply, type Seen, testServer } from './server.js';

const unauthorized = (code: string) => ({ error: { message: 'no', type: 'invalid_request_error', code } });

/** Accepts one access token at a time; a refresh token works once. */
function accounts() {
  let access = 'access-1';
  let refresh = 'rt_1';
  let issued = 1;
  const issue = () => {
    issued += 1;
    access = `access-${issued}`;
    refresh = `rt_${issued}`;
    return { access_token: access, refresh_token: refresh, token_type: 'bearer', expires_in: 1800 };
  };
  const routes: Record<string, (seen: Seen, response: ServerResponse) => void> = {
    '/auth/login': (_, response) => reply(response, 200, issue()),
    '/auth/register': (_, response) => {
      const { refresh_token } = issue();
      reply(response, 201, { user_id: 'u', username: 'bob', role: 'basic', refresh_token });
    },
    '/auth/token': ({ body }, response) => {
      if (JSON.stringify(body) === JSON.stringify({ refresh_token: refresh })) reply(response, 200, issue());
      else reply(response, 401, unauthorized('invalid_refresh_token'));
    },
    '/ollama/v1/models': ({ authorization }, response) => {
      if (authorization === `Bearer ${access}`) reply(response, 200, { models: [] });
      else reply(response, 401, unauthorized('token_expired'));
    },
  };
  const answer = (seen: Seen, response: ServerResponse) => routes[seen.path]?.(seen, response);
  return { answer, expire: () => issue() };
}

const refreshes = (seen: Seen[]) => seen.filter((one) => one.path === '/auth/token').length;

test('login keeps the tokens and uses them', async () => {
  const { url, seen } = await testServer(accounts().answer);
  const client = new ParallamaClient({ baseUrl: url, apiKey: 'pk_live_x' });
  expect(await client.login({ username: 'bob', password: 'secret123' })).toMatchObject({
    access_token: 'access-2',
  });
  expect(await client.listModels()).toEqual({ models: [] });
  expect(seen[0]).toMatchObject({ method: 'POST', authorization: undefined });
  expect(seen[0]?.body).toEqual({ username: 'bob', password: 'secret123' });
  expect(seen[1]?.authorization).toBe('Bearer access-2');
});

test('register logs in with its refresh token', async () => {
  const { url } = await testServer(accounts().answer);
  const client = new ParallamaClient({ baseUrl: url });
  expect(await client.register({ username: 'bob', password: 'secret123' })).toMatchObject({ user_id: 'u' });
  expect(client).toMatchObject({ accessToken: undefined, refreshToken: 'rt_2' });
  expect(await client.listModels()).toEqual({ models: [] });
  expect(client).toMatchObject({ accessToken: 'access-3', refreshToken: 'rt_3' });
});

test('concurrent 401s share one refresh', async () => {
  const { url, seen } = await testServer(accounts().answer);
  const client = new ParallamaClient({ baseUrl: url, accessToken: 'stale', refreshToken: 'rt_1' });
  const all = await Promise.all(Array.from({ length: 20 }, () => client.listModels()));
  expect(all).toHaveLength(20);
  expect(refreshes(seen)).toBe(1);
});

test('a 401 that comes after the refresh of another call does not refresh again', async () => {
  const { answer } = accounts();
  const held: (() => void)[] = [];
  const { url, seen } = await testServer((one, response) => {
    const first = seen.length === 1;
    if (first) held.push(() => answer(one, response));
    else answer(one, response);
  });
  const client = new ParallamaClient({ baseUrl: url, accessToken: 'stale', refreshToken: 'rt_1' });
  const slow = client.listModels();
  await expect.poll(() => seen.length).toBe(1);
  await client.listModels();
  held[0]?.();
  expect(await slow).toEqual({ models: [] });
  expect(refreshes(seen)).toBe(1);
});

test('a second expiry is refreshed with the rotated token', async () => {
  const { url, seen } = await testServer(accounts().answer);
  const client = new ParallamaClient({ baseUrl: url, accessToken: 'stale', refreshToken: 'rt_1' });
  await client.listModels();
  expect(client.refreshToken).toBe('rt_2');
  const again = new ParallamaClient({ baseUrl: url, refreshToken: client.refreshToken });
  await again.listModels();
  expect(refreshes(seen)).toBe(2);
});

test('a refused refresh token is given up, and its refusal thrown', async () => {
  const { url, seen } = await testServer(accounts().answer);
  const client = new ParallamaClient({ baseUrl: url, accessToken: 'stale', refreshToken: 'rt_old' });
  await expect(client.listModels()).rejects.toMatchObject({ status: 401, code: 'invalid_refresh_token' });
  await expect(client.listModels()).rejects.toMatchObject({ status: 401, code: 'token_expired' });
  expect(refreshes(seen)).toBe(1);
});

test('a refresh token survives a server that is busy', async () => {
  const { answer } = accounts();
  let busy = true;
  const { url } = await testServer((seen, response) => {
    if (seen.path !== '/auth/token' || !busy) return answer(seen, response);
    busy = false;
    reply(response, 503, unauthorized('store_unavailable'));
  });
  const client = new ParallamaClient({ baseUrl: url, accessToken: 'stale', refreshToken: 'rt_1' });
  await expect(client.listModels()).rejects.toMatchObject({ status: 503 });
  expect(await client.listModels()).toEqual({ models: [] });
});

test('an API key that is refused is not retried', async () => {
  const { url, seen } = await testServer(accounts().answer);
  const client = new ParallamaClient({ baseUrl: url, apiKey: 'pk_live_bad' });
  await expect(client.listModels()).rejects.toMatchObject({ status: 401 });
  expect(seen).toHaveLength(1);
});
