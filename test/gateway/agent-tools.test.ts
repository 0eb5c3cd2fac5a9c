/** Tools that agents send and that nobody here runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());

test.each([false, true])('are left out and named in a header, streamed: %s', async (stream) => {
  const { key } = await rig.user('admin');
  const tools = [
    { type: 'function', name: 'shell', parameters: { type: 'object', properties: {} } },
    { type: 'web_search' },
    { type: 'mcp', server_label: 'x' },
  ];
  const reply = await send(rig.url, '/openai/v1/responses', {
    key,
    body: { model: 'gpt-4', input: 'Hello!', tools, stream },
  });
  expect(reply.status, reply.text).toBe(200);
  expect(reply.headers.warning).toBe('299 - "tools left out: web_search, mcp"');
  expect(rig.simulator.requests.at(-1)?.body).toMatchObject({ tools: [{ function: { name: 'shell' } }] });
  const plain = await send(rig.url, '/openai/v1/responses', {
    key,
    body: { model: 'gpt-4', input: 'Hello!' },
  });
  expect(plain.headers).not.toHaveProperty('warning');
});
