/**
 * Every fault of the simulator at random, under clients of several users in every dialect: whatever happens to each
 * answer, the books are right afterwards and nothing is left running.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fault } from '../../src/testing/index.js';
import { type Rig, send, startRig, until } from '../support/gateway.js';
import { answered, asks, expectUnharmed, READS } from './clients.js';

const SEED = Number(process.env.PARALLAMA_TEST_SEED ?? Date.now() % 1_000_000);
const CLIENTS = 12;
const REQUESTS = 25;

/** All but `lock`, which takes longer to come right, and has tests of its own. */
const FAULTS: Fault[] = [
  { kind: 'refuse' },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 404 },
  { kind: 'status', status: 502, error: '<html>Bad gateway</html>', contentType: 'text/html' },
  { kind: 'queue-full' },
  { kind: 'error-line', error: 'llama runner process has terminated' },
  { kind: 'eof' },
  { kind: 'reset' },
  { kind: 'silent' },
  { kind: 'slow-load', ms: 200 },
  { kind: 'garbage' },
];

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({
    config: {
      api_gateways: { discovery: { cache_ttl: 0 }, ollama: { first_byte_timeout: 1 } },
      limits: {
        roles: { basic: { ollama: { token_limit_hourly: 3_000 }, openai: { token_limit_hourly: 3_000 } } },
      },
    },
  });
});
afterAll(() => rig.close());

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test(`nothing is lost and nothing is left, with seed ${SEED}`, async () => {
  const random = randomFrom(SEED);
  const pick = <T>(from: T[]): T => from[Math.floor(random() * from.length)]!;
  const users = await Promise.all(['admin', 'premium', 'basic', 'basic'].map((role) => rig.user(role)));
  const all = [...asks('Count from 1 to 40'), ...asks('Hello!'), ...READS];
  const outcomes = { full: 0, failed: 0, left: 0 };
  rig.simulator.pace = 1;

  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (let count = 0; count < REQUESTS; count += 1) {
        const ask = pick(all);
        // Strikes the next request that it fits, whoever makes it.
        if (random() < 0.5)
          rig.simulator.fail({ ...pick(FAULTS), times: 1, afterTokens: Math.floor(random() * 20) });
        const { key } = pick(users);
        if (random() < 0.15) {
          await leave(ask.path, key, ask.body, random() * 60);
          outcomes.left += 1;
        } else {
          const reply = await send(rig.url, ask.path, { key, body: ask.body });
          outcomes[answered(ask, reply) ? 'full' : 'failed'] += 1;
        }
      }
    }),
  );

  expect(outcomes.full + outcomes.failed + outcomes.left).toBe(CLIENTS * REQUESTS);
  for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0);
  await until(() => rig.simulator.requests.every(({ state }) => state !== 'running'), 10_000);
  await expectUnharmed(rig, users);
  expect(rig.log.filter((line) => line.log === 'api' && line.status === 500)).toEqual([]);

  rig.simulator.pace = 0;
  expect(await recovers(users[0]!.key)).toBe(true);
}, 120_000);

/** A client that gives up after a while, wherever its answer is by then. */
async function leave(
  path: string,
  key: string,
  body: object | undefined,
  milliseconds: number,
): Promise<void> {
  const reply = await fetch(rig.url + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}` },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(Math.round(milliseconds)),
  }).catch(() => undefined);
  await reply?.arrayBuffer().catch(() => undefined);
}

/** Faults that nobody has met yet strike whoever comes next: after them, everything is as before. */
async function recovers(key: string): Promise<boolean> {
  for (let round = 0; round < 200; round += 1) {
    const replies = await Promise.all(
      asks('Hello!').map(async (ask) =>
        answered(ask, await send(rig.url, ask.path, { key, body: ask.body })),
      ),
    );
    if (replies.every(Boolean)) return true;
    await sleep(1);
  }
  return false;
}
