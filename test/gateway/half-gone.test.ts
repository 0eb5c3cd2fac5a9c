/** Clients that are gone before they were heard, and clients that only stop listening. */
import { Ollama } from 'ollama';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Rig, startRig, until } from '../support/gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());

test.each([false, true])(
  'a client that left before its turn never reaches Ollama, and pays nothing: %s',
  async (stream) => {
    const { key, id } = await rig.user();
    const known = rig.simulator.requests.length;
    const answer = await rig.gateway.handle({
      method: 'POST',
      url: '/openai/v1/chat/completions',
      headers: { authorization: `Bearer ${key}` },
      body: { model: 'gpt-4', stream, messages: [{ role: 'user', content: 'Hello!' }] },
      signal: AbortSignal.abort(),
    });
    expect(answer?.status).toBe(499);
    expect(rig.simulator.requests.length).toBe(known);
    const hour = new Date().toISOString().slice(0, 13);
    for (const what of ['tokens', 'requests']) {
      const [counter] = await rig.store.counters(id, [`openai:${what}:hour:${hour}`]);
      expect(counter).toMatchObject({ used: 0, held: 0 });
    }
  },
);

test("ollama's client that breaks out of its loop does not cancel: the answer is drained and charged whole", async () => {
  const { key, id } = await rig.user();
  rig.simulator.pace = 2;
  const headers = { authorization: `Bearer ${key}` };
  const client = new Ollama({ host: `${rig.url}/ollama`, headers });
  const messages = [{ role: 'user', content: 'Count from 1 to 60' }];
  for await (const part of await client.chat({ model: 'llama2', messages, stream: true })) {
    expect(part.done).toBe(false);
    break;
  }
  const record = await until(() => rig.log.find((line) => line.log === 'usage' && line.user === id));
  rig.simulator.pace = 0;
  expect(record.state).toBe('final');
  expect(rig.simulator.requests.at(-1)?.state).toBe('done');
  const [row] = await rig.history(id);
  expect(row).toMatchObject({
    requests: 1,
    aborted: 0,
    completionTokens: rig.simulator.requests.at(-1)!.generated,
  });
});
