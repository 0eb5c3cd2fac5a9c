/** A host app that has a Keyv, and makes it the store. */
import { join } from 'node:path';
import { Keyv } from 'keyv';
import { expect, test } from 'vitest';
import { createGateway } from '../../src/core/gateway.js';
import { folder } from '../store/folder.js';

test('a gateway keeps its users, keys and limits in the Keyv that it is given, and says what that is worth', async () => {
  const keyv = new Keyv();
  const auth = { jwt_secret_file: join(folder(), 'secret') };
  const options = { store: keyv, config: { auth, logging: { level: 'silent' } } } as const;
  const first = await createGateway(options);
  expect(first.notices.join()).toMatch(/exact for one gateway process only/);
  const user = await first.users.create({ username: 'ada', password: 'a-good-password', role: 'basic' });
  const { key } = await first.keys.generate(user);
  await first.close();

  const second = await createGateway(options);
  const answer = await second.handle({
    method: 'GET',
    url: '/admin/v1/usage',
    headers: { authorization: `Bearer ${key}` },
    ip: '127.0.0.1',
    signal: new AbortController().signal,
    body: undefined,
  });
  expect(answer?.status).toBe(200);
  expect(JSON.parse(String(answer?.body)).gateways.openai.today.remaining_requests).toBe(5_000);
  await second.close();
});
