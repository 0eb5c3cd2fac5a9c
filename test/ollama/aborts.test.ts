/**
 * Clients that leave lock no model for good: after any number of aborts every other request has its answer. A real
 * Ollama is locked by about one abort in a hundred; the simulator, by one in fifty here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Rig, startRig } from '../support/gateway.js';
import { REAL_OLLAMA } from '../support/upstream.js';

const ABORTS = Number(process.env.PARALLAMA_TEST_ABORTS ?? 100);
const CLIENTS = 4;
const ABORTS_FOR_A_LOCK = 50;

/** With a real Ollama they are of the same weights, and in memory once. */
const MODELS = ['gpt-4', 'tiny-think'];
/** On a busy machine Ollama's threads wait for each other more than they work. */
const ONE_THREAD = { options: { num_thread: 1 } };

let rig: Rig;
let key: string;
beforeAll(async () => {
  rig = await startRig({
    config: {
      api_gateways: {
        ollama: { stall_timeout: REAL_OLLAMA ? 5 : 1 },
        openai: { model_options: Object.fromEntries(MODELS.map((model) => [model, ONE_THREAD])) },
      },
    },
  });
  ({ key } = await rig.user('admin'));
});
afterAll(() => rig.close());

function ask(model: string, content: string, stream: boolean, signal?: AbortSignal): Promise<Response> {
  return fetch(new URL('/openai/v1/chat/completions', rig.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content }], stream }),
    signal,
  });
}

/** Reads some of an answer and leaves; some leave before it has begun. */
async function abort(round: number): Promise<void> {
  const leaving = new AbortController();
  const answer = ask(MODELS[round % 2]!, 'Count from 1 to 60', true, leaving.signal);
  answer.catch(() => {});
  if (round % 4 === 0) await sleep(round % 20);
  else {
    const reader = (await answer).body!.getReader();
    for (let chunks = 1 + (round % 7); chunks > 0; chunks -= 1) await reader.read();
  }
  leaving.abort();
}

test(`${ABORTS} aborts leave every later request answered`, {
  timeout: 60_000 + ABORTS * 2_000,
}, async () => {
  rig.simulator.pace = 1;
  let rounds = 0;
  let longest = 0;
  async function client(): Promise<void> {
    while (rounds < ABORTS) {
      const round = rounds++;
      if (round % ABORTS_FOR_A_LOCK === ABORTS_FOR_A_LOCK - 1) rig.simulator.fail({ kind: 'lock' });
      await abort(round);
      if (round % 5 > 0) continue;
      const from = performance.now();
      const answer = await ask(MODELS[round % 2]!, 'Hello!', false);
      const { choices } = (await answer.json()) as { choices?: { message: { content: string } }[] };
      expect({ status: answer.status, said: choices?.[0]?.message.content }).toEqual({
        status: 200,
        said: 'Hi! How can I help you today?',
      });
      longest = Math.max(longest, performance.now() - from);
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client)).catch((e) => {
    console.log(
      JSON.stringify(
        rig.log.filter((l) => l.log === 'gateway'),
        null,
        0,
      ),
    );
    throw e;
  });
  const heals = rig.log.filter((line) => line.outcome === 'unloaded');
  console.log(
    `${ABORTS} aborts: ${heals.length} models unloaded; the longest wait ${Math.round(longest)} ms`,
  );
  if (!REAL_OLLAMA) expect(heals.length).toBeGreaterThan(0);
  expect(rig.log.filter((line) => line.outcome === 'held' || line.outcome === 'failed')).toEqual([]);
});
