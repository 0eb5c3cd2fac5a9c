/** An Ollama that answers anything: what it said once, changed here and there. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KINDS } from '../../src/core/errors.js';
import { type Rig, send, startRig } from '../support/gateway.js';
import { recorded, recording } from '../translate/recordings.js';
import { damaged, edge, mutant } from './support/json.js';
import { checkAsync, SLOW } from './support/runs.js';

interface Said {
  status: number;
  type: string;
  /** Sent one after the other. */
  pieces: (string | Buffer)[];
  /** The connection breaks off after them. */
  breaks: boolean;
}

let says: Said;
const upstream = createServer((req, res) => {
  req.resume().once('end', async () => {
    res.writeHead(says.status, { 'content-type': says.type });
    for (const piece of says.pieces) {
      res.write(piece);
      await new Promise(setImmediate);
    }
    if (says.breaks) res.destroy();
    else res.end();
  });
});

let rig: Rig;
let user: { id: string; key: string };
beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  rig = await startRig({ config: { api_gateways: { ollama: { port } } } });
  user = await rig.user('admin');
});
afterAll(async () => {
  await rig.close();
  upstream.closeAllConnections();
  upstream.close();
});

/** Lines of streams and whole documents, as Ollama has sent them. */
const LINES = recorded('native.stream').flatMap((name) =>
  recording(`${name}.native.stream`).response.body.split('\n').filter(Boolean),
);
const DOCUMENTS = recorded('native')
  .map((name) => recording(`${name}.native`).response)
  .filter(({ headers, body }) => headers['content-type']?.startsWith('application/json') && body !== '')
  .map(({ body }) => body);

const line = fc.constantFrom(...LINES);
const end =
  '{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":true}';
const stream = fc
  .tuple(fc.array(fc.oneof(line, mutant(line), edge), { maxLength: 6 }), fc.boolean())
  .map(([lines, ends]) => [...lines, ...(ends ? [end] : [])].map((each) => `${each}\n`));
const pieces = fc.oneof(
  { weight: 4, arbitrary: stream },
  {
    weight: 1,
    arbitrary: stream.chain((lines) => damaged(fc.constant(lines.join('')))).map((bytes) => [bytes]),
  },
  {
    weight: 2,
    arbitrary: mutant(fc.constantFrom(...DOCUMENTS)).map((one) => [one]),
  },
  { weight: 1, arbitrary: edge.map((json) => [json]) },
);
const said = fc.record<Said>({
  status: fc.oneof(
    { weight: 5, arbitrary: fc.constant(200) },
    { weight: 1, arbitrary: fc.constantFrom(201, 204, 302, 400, 401, 403, 404, 413, 429, 500, 502, 503) },
  ),
  type: fc.constantFrom('application/x-ndjson', 'application/json; charset=utf-8', 'text/html', 'text/plain'),
  pieces,
  breaks: fc.boolean(),
});

const messages = [{ role: 'user', content: 'Hello!' }];
const ASKS: [path: string, body?: object][] = [
  ['/openai/v1/chat/completions', { messages, logprobs: true, top_logprobs: 1 }],
  ['/openai/v1/completions', { prompt: ['a', 'b'], logprobs: 1 }],
  ['/openai/v1/responses', { input: 'a', include: ['message.output_text.logprobs'] }],
  ['/openai/v1/embeddings', { input: 'a', encoding_format: 'base64' }],
  ['/ollama/v1/chat', { messages }],
  ['/ollama/v1/generate', { prompt: 'a' }],
  ['/ollama/api/chat', { messages }],
  ['/ollama/api/generate', { prompt: 'a' }],
  ['/ollama/api/embed', { input: 'a' }],
  ['/ollama/api/embeddings', { prompt: 'a' }],
  ['/ollama/api/show', {}],
  ['/ollama/api/tags'],
  ['/ollama/api/ps'],
  ['/ollama/api/version'],
  ['/ollama/v1/models'],
  ['/openai/v1/models'],
  ['/openai/v1/models/gpt-4'],
];

test('whatever Ollama says is an answer, or its fault and no bug of ours', SLOW, async () => {
  const example = fc.record({ ask: fc.constantFrom(...ASKS), stream: fc.boolean(), said });
  const property = fc.asyncProperty(example, async ({ ask: [path, body], stream, said }) => {
    says = said;
    rig.log.length = 0;
    const whole = body && { model: 'gpt-4', ...body, stream };
    const { status, text, json } = await send(rig.url, path, { key: user.key, body: whole });
    expect(rig.log.filter(({ msg }) => msg === 'bug').map(({ err }) => err)).toEqual([]);
    expect(status, text).not.toBe(500);
    // In the middle of a stream, too.
    expect(text).not.toContain(KINDS.internal.message);
    expect(text).not.toMatch(/\n {4}at |node:internal|TypeError|127\.0\.0\.1:/);
    if (status >= 400) expect(json, text).toHaveProperty('error');
    for (const { requests, promptTokens, completionTokens } of await rig.history(user.id)) {
      for (const count of [requests, promptTokens, completionTokens]) {
        expect(Number.isSafeInteger(count) && count >= 0, `a count of ${count}`).toBe(true);
      }
    }
  });
  await checkAsync(property, 500);
});
