/** The JavaScript client, given whatever a server or a proxy before it may say. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorOfResponse, ParallamaError } from '../../src/client/errors.js';
import { readNdjson, readSse } from '../../src/client/streams.js';
import { damaged, edge } from './support/json.js';
import { checkAsync } from './support/runs.js';

const event = fc.oneof(
  edge.map((json) => `data: ${json}\n\n`),
  edge.map((json) => `event: x\ndata:${json}\n\n`),
  fc.constantFrom(
    ': ping\n\n',
    '\n',
    '\r\n',
    'data: [DONE]\n\n',
    'data: {"a":\r\ndata: 1}\r\n\r\n',
    'id: 7\n',
    'data\n\n',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const line = fc.oneof(
  edge.map((json) => `${json}\n`),
  fc.constantFrom('\n', '\r\n', '{"done":false}\r\n', '{"done":true}\n', '{"done":true}', '{"error":"x"}\n'),
);
const streamOf = (part: fc.Arbitrary<string>) => {
  const whole = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
  return fc.oneof(whole.map(Buffer.from), damaged(whole));
};

/** Everything that was read, and how it ended. */
async function readAll(read: typeof readSse, parts: Uint8Array[]): Promise<unknown[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
  const seen: unknown[] = [];
  try {
    for await (const chunk of read(body)) seen.push(chunk);
  } catch (error) {
    expect(error).toBeInstanceOf(ParallamaError);
    seen.push(String(error));
  }
  return seen;
}

test.each([
  ['events', readSse, streamOf(event)],
  ['lines', readNdjson, streamOf(line)],
] as const)('%s are the same wherever they were cut, and fail in one way', async (_, read, stream) => {
  const property = fc.asyncProperty(stream, fc.array(fc.nat(200), { maxLength: 8 }), async (whole, cuts) => {
    const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
    const parts = places.slice(1).map((to, i) => whole.subarray(places[i], to));
    expect(await readAll(read, parts)).toEqual(await readAll(read, [whole]));
  });
  await checkAsync(property, 400);
});

test('any answer that is none is one kind of error', async () => {
  const answer = fc.record({
    status: fc.integer({ min: 400, max: 599 }),
    body: fc.oneof(
      edge,
      edge.map((json) => `{"error":${json}}`),
      edge.map((json) => `{"error":{"message":${json}}}`),
    ),
    wait: fc.option(
      fc.oneof(
        fc.constantFrom(
          '0',
          '7',
          '-1',
          '1e9',
          '',
          'NaN',
          'Infinity',
          'Wed, 21 Oct 2015 07:28:00 GMT',
          '99999999999999',
        ),
        fc.string({ unit: 'grapheme-ascii' }),
      ),
    ),
  });
  const property = fc.asyncProperty(answer, async ({ status, body, wait }) => {
    const headers = wait === null ? undefined : { 'retry-after': wait };
    const error = await errorOfResponse(new Response(body, { status, headers }));
    expect(error).toMatchObject({ name: 'ParallamaError', status, message: expect.any(String) });
    expect(error.retryAfter ?? 0).toBeGreaterThanOrEqual(0);
    for (const field of [error.code, error.type, error.param])
      expect(['string', 'undefined']).toContain(typeof field);
  });
  await checkAsync(property, 400);
});
