/** What is charged where the upstream fails before any answer, and where it counts more than was held. */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FORGIVEN_A_MINUTE } from '../../src/core/limits/failures.js';
import { type Rig, send, startRig } from '../support/gateway.js';
import { type OwnUpstream, startOwnUpstream } from '../support/own-upstream.js';

let rig: Rig;
let upstream: OwnUpstream;
let answer: (res: ServerResponse) => void;
beforeAll(async () => {
  upstream = await startOwnUpstream((req, res) => req.resume().once('end', () => answer(res)));
  rig = await startRig({
    config: {
      api_gateways: { ollama: { port: upstream.port } },
      limits: { roles: { basic: { ollama: { request_limit_hourly: 5, token_limit_hourly: 100_000 } } } },
    },
  });
});
afterAll(async () => {
  await rig.close();
  upstream.stop();
});

const chat = (key: string) =>
  send(rig.url, '/ollama/api/chat', {
    key,
    body: { model: 'llama2', stream: false, messages: [{ role: 'user', content: 'Hello!' }] },
  });

test('requests that the upstream fails are given back, but not without end, and never as tokens', async () => {
  answer = (res) => res.writeHead(500).end('{"error":"no"}');
  const [one, other] = [await rig.user('basic'), await rig.user('basic')];
  const statuses: number[] = [];
  // A minute may end in between: then twice as many are given back.
  for (let at = 0; at < 2 * FORGIVEN_A_MINUTE + 6; at += 1) statuses.push((await chat(one.key)).status);
  expect(statuses.slice(0, FORGIVEN_A_MINUTE)).toEqual(Array(FORGIVEN_A_MINUTE).fill(502));
  expect(statuses.at(-1)).toBe(429);
  expect((await chat(other.key)).status).toBe(502);
  const rows = await rig.history(one.id);
  expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(5);
  expect(rows.reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0)).toBe(0);
});

test('what Ollama counts beyond the hold is charged in full, logged and counted', async () => {
  answer = (res) =>
    res.writeHead(200).end(
      `${JSON.stringify({
        model: 'llama2',
        message: { role: 'assistant', content: 'Hi' },
        done: true,
        done_reason: 'stop',
        prompt_eval_count: 5_000,
        eval_count: 2,
      })}\n`,
    );
  const user = await rig.user('basic');
  expect((await chat(user.key)).status).toBe(200);
  const [row] = await rig.history(user.id);
  expect(row).toMatchObject({ requests: 1, promptTokens: 5_000 });
  const line = rig.log.find((one) => one.log === 'usage' && one.user === user.id);
  expect(line).toMatchObject({ prompt_tokens: 5_000, overrun: expect.any(Number) });
  const { overrun } = line as { overrun: number };
  expect(overrun).toBeGreaterThan(4_500);
  const metrics = (await send(rig.url, '/metrics')).text;
  expect(metrics).toContain('parallama_overruns_total 1');
  expect(metrics).toContain(`parallama_overrun_tokens_total ${overrun}`);
});
