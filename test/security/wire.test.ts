/** What a client writes into a request does not become a header or a second answer, nor a request that was not seen. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';
import { raw, request, statusOf } from './raw.js';

let rig: Rig;
let key: string;
beforeAll(async () => {
  rig = await startRig({ config: { server: { cors: { origins: ['https://app.example.com'] } } } });
  ({ key } = await rig.user('admin'));
});
afterAll(() => rig.close());

const SPLIT = 'x\r\nset-cookie: split=1\r\n\r\nHTTP/1.1 200 OK\r\n\r\nsplit';

test.each<[string, string, object]>([
  ['a model', '/openai/v1/chat/completions', { model: SPLIT, messages: [{ role: 'user', content: 'a' }] }],
  ['a model of the native side', '/ollama/api/show', { model: SPLIT }],
  ['a name', '/auth/login', { username: SPLIT, password: SPLIT }],
  ['a field', '/ollama/v1/chat', { model: 'llama2', messages: [{ role: SPLIT, content: '' }] }],
])('%s with line breaks splits no answer', async (_, path, body) => {
  const { status, headers, text } = await send(rig.url, path, { key, body });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(headers['set-cookie']).toBeUndefined();
  expect(Object.values(headers).join()).not.toContain('split');
  expect(text).not.toContain('\n');
});

test.each([
  ['an id with a tab', ['X-Request-Id: a\tb']],
  ['an id of two', ['X-Request-Id: a', 'X-Request-Id: b']],
  ['an id with high bytes', ['X-Request-Id: a\xff']],
  ['an origin with a comma', ['Origin: https://app.example.com, https://evil.example']],
])('%s does not come back in a header', async (_, headers) => {
  const answer = await raw(rig.url, request('GET /healthz HTTP/1.1', headers));
  const head = answer.slice(0, answer.indexOf('\r\n\r\n'));
  expect(head).toMatch(/x-request-id: req_[0-9a-f]{32}/);
  expect(head).not.toMatch(/access-control-allow-origin/);
});

test('what a preflight asks for comes back as one header', async () => {
  const lines = ['Origin: https://app.example.com', 'Access-Control-Request-Method: POST'];
  const answer = await raw(
    rig.url,
    request('OPTIONS /openai/v1/models HTTP/1.1', [
      ...lines,
      'Access-Control-Request-Headers: a, b\x85\r\n\tset-cookie: x',
    ]),
  );
  expect(answer).not.toMatch(/^set-cookie/im);
  expect([204, 400]).toContain(statusOf(answer));
});

const LOGIN = '{"username":"nobody","password":"a-wrong-password"}';
const SECOND = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';

test.each<[string, string[], string]>([
  ['both a length and chunks', ['Content-Length: 6', 'Transfer-Encoding: chunked'], '0\r\n\r\nX'],
  ['two lengths', [`Content-Length: ${LOGIN.length}`, 'Content-Length: 5'], LOGIN],
  ['a length that is no number', ['Content-Length: 5x'], LOGIN],
  ['a negative length', ['Content-Length: -1'], LOGIN],
  ['chunks in other words', ['Transfer-Encoding: xchunked'], LOGIN],
  ['a length with a space before its colon', [`Content-Length : ${LOGIN.length}`], LOGIN],
  ['a folded header', ['X-A: b\r\n c: d', 'Content-Length: 5x'], LOGIN],
  [
    'a bare line feed between headers',
    ['X-A: b\nTransfer-Encoding: chunked', 'Content-Length: 6'],
    '0\r\n\r\nX',
  ],
])(
  'a request with %s is refused, and what follows on its connection is not answered',
  async (_, headers, body) => {
    const answer = await raw(rig.url, request('POST /auth/login HTTP/1.1', headers, body + SECOND));
    expect(statusOf(answer)).toBe(400);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  },
);

test.each([
  ['one header', [`X-A: ${'a'.repeat(20_000)}`]],
  ['a credential', [`Authorization: Bearer ${'a'.repeat(20_000)}`]],
  ['many headers', Array.from({ length: 2_000 }, (_, i) => `X-${i}: aaaa`)],
])('%s of more than 16 KB is 431', async (_, headers) => {
  expect(statusOf(await raw(rig.url, request('GET /openai/v1/models HTTP/1.1', headers)))).toBe(431);
});

test('a request without a Host is refused', async () => {
  expect(statusOf(await raw(rig.url, 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'))).toBe(400);
});
