/** Whatever is asked in whatever order: nobody gets more than the limit, and what is refused costs nothing. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';
import { checkAsync, SLOW } from './support/runs.js';
import { targets } from './support/samples.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());

const asks = targets()
  .filter(({ inference }) => inference)
  .flatMap(({ path, bodies }) => bodies.map((body) => ({ path, body })));
const gatewayOf = (path: string) => (path.startsWith('/ollama') ? 'ollama' : 'openai');

test('tokens and requests stay within their limits', SLOW, async () => {
  const example = fc.record({
    tokens: fc.integer({ min: 0, max: 600 }),
    requests: fc.integer({ min: 0, max: 8 }),
    sequence: fc.array(fc.constantFrom(...asks), { minLength: 1, maxLength: 10 }),
    /** All at once, or one after the other. */
    together: fc.boolean(),
  });
  const property = fc.asyncProperty(example, async ({ tokens, requests, sequence, together }) => {
    const { id, key } = await rig.user();
    const limits = { token_limit_hourly: tokens, request_limit_daily: requests };
    await rig.gateway.limits.set(id, undefined, limits);
    const ask = async ({ path, body }: (typeof asks)[number]) => {
      const before = together ? undefined : await used(id, gatewayOf(path));
      const { status, text } = await send(rig.url, path, { key, body, method: 'POST' });
      const after = await used(id, gatewayOf(path));
      expect(after.tokens, text).toBeLessThanOrEqual(tokens);
      expect(after.requests).toBeLessThanOrEqual(requests);
      if (before && status === 429) expect(after).toEqual(before);
    };
    if (together) await Promise.all(sequence.map(ask));
    else for (const one of sequence) await ask(one);
  });
  await checkAsync(property, 40);
});

async function used(userId: string, gateway: string): Promise<{ tokens: number; requests: number }> {
  const rows = (await rig.history(userId)).filter((row) => row.gateway === gateway);
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
  return {
    tokens: sum(({ promptTokens, completionTokens }) => promptTokens + completionTokens),
    requests: sum((row) => row.requests),
  };
}
