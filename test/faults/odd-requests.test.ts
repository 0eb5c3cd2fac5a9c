/**
 * Requests that two readers could read in two ways, and those at the edges of HTTP: each is refused, or is one request,
 * and Ollama never hears of what is hidden in it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Rig, startRig, until } from '../support/gateway.js';
import { expectUnharmed } from './clients.js';
import { type RawClient, rawClient, statuses } from './raw-client.js';

const CHAT = '/openai/v1/chat/completions';
const HELLO = JSON.stringify({ model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] });

let rig: Rig;
let user: Awaited<ReturnType<Rig['user']>>;
let client: RawClient;
beforeAll(async () => {
  rig = await startRig();
  user = await rig.user('admin');
});
beforeEach(() => {
  rig.log.length = 0;
});
afterEach(async () => {
  client.socket.destroy();
  await expectUnharmed(rig, [user]);
});
afterAll(() => rig.close());

/** Sends it in one packet, and gathers what comes until nothing does any more. */
async function answersTo(text: string): Promise<number[]> {
  client = await rawClient(rig.url);
  client.write(Buffer.from(text, 'latin1'));
  let before = -1;
  while (client.received.length !== before || (before === 0 && !client.socket.closed)) {
    before = client.received.length;
    await Promise.race([client.closed, sleep(150)]);
    if (client.received.length === 0 && !client.socket.closed)
      await Promise.race([client.closed, sleep(400)]);
    if (client.received.length === 0) break;
  }
  return statuses(client.received);
}

/** What Ollama was asked since. */
const asked = (known: number) =>
  rig.simulator.requests
    .slice(known)
    .map(({ method, path }) => `${method} ${path}`)
    .sort();

const lines = (...all: string[]) => all.join('\r\n');
const auth = () => `authorization: Bearer ${user.key}`;
/** What would be asked for, were it a request. */
const hidden = () => lines('GET /ollama/api/tags HTTP/1.1', 'host: localhost', auth(), '', '');
const post = (headers: string[], body: string) =>
  lines(`POST ${CHAT} HTTP/1.1`, 'host: localhost', auth(), ...headers, '', body);
const chunked = (...pieces: string[]) =>
  `${pieces.map((p) => `${p.length.toString(16)}\r\n${p}\r\n`).join('')}0\r\n\r\n`;
const length = `content-length: ${HELLO.length}`;
const TE = 'transfer-encoding: chunked';

const ONE = ['POST /api/chat'];

describe('framing', () => {
  const shapes: [what: string, request: () => string, answers: number[], asked: string[]][] = [
    [
      'both a length and chunks',
      () => post(['content-length: 4', TE], `${chunked(HELLO)}${hidden()}`),
      [400],
      [],
    ],
    ['chunks and a length', () => post([TE, 'content-length: 4'], `${chunked(HELLO)}${hidden()}`), [400], []],
    ['two lengths', () => post([length, 'content-length: 4'], HELLO + hidden()), [400], []],
    ['the same length twice', () => post([length, length], HELLO), [400], []],
    ['a list of lengths', () => post([`content-length: ${HELLO.length}, ${HELLO.length}`], HELLO), [400], []],
    ['a length with a sign', () => post([`content-length: +${HELLO.length}`], HELLO), [400], []],
    ['a length below zero', () => post(['content-length: -1'], hidden()), [400], []],
    ['a length in hexadecimal', () => post(['content-length: 0x5'], HELLO), [400], []],
    ['a length beyond numbers', () => post(['content-length: 99999999999999999999'], HELLO), [400], []],
    ['a length with a tail', () => post([`${length} 5`], HELLO), [400], []],
    ['no length', () => post([length.replace(/\d+/, '')], HELLO), [400], []],
    ['an encoding nobody knows', () => post(['transfer-encoding: xchunked'], chunked(HELLO)), [400], []],
    [
      'chunks that are not last',
      () => post(['transfer-encoding: chunked, identity'], chunked(HELLO)),
      [400],
      [],
    ],
    ['chunks twice', () => post([TE, TE], chunked(HELLO)), [400], []],
    ['chunks behind gzip', () => post(['transfer-encoding: gzip, chunked'], chunked(HELLO)), [200], ONE],
    ['chunks after a tab', () => post(['transfer-encoding:\tchunked'], chunked(HELLO)), [200], ONE],
    ['chunks in capitals', () => post(['Transfer-Encoding: CHUNKED'], chunked(HELLO)), [200], ONE],
    ['a space before the colon', () => post(['transfer-encoding : chunked'], chunked(HELLO)), [400], []],
    ['a folded header', () => post([TE.replace(' ', '\r\n ')], chunked(HELLO)), [400], []],
    ['a folded value', () => post(['x-a: b\r\n c', length], HELLO), [400], []],
    [
      'a line that begins with a space',
      () => lines(`POST ${CHAT} HTTP/1.1`, ' host: x', auth(), length, '', HELLO),
      [400],
      [],
    ],
    ['bare line feeds', () => post([length], '').replaceAll('\r\n', '\n') + HELLO, [400], []],
    ['a bare carriage return', () => post([`x-a: b\rcontent-length: 4`, length], HELLO), [400], []],
    ['a zero byte in a value', () => post(['x-a: b\0c', length], HELLO), [400], []],
    ['a zero byte in a name', () => post(['x\0a: b', length], HELLO), [400], []],
    ['a header without a name', () => post([': b', length], HELLO), [400], []],
    ['a header without a colon', () => post(['x-a', length], HELLO), [400], []],
    [
      'chunks with extensions',
      () => post([TE], chunked(HELLO).replace('\r\n', ';a=b;c="d"\r\n')),
      [200],
      ONE,
    ],
    [
      'chunks with endless extensions',
      () => post([TE], chunked(HELLO).replace('\r\n', `;${'a'.repeat(20_000)}\r\n`)),
      [413],
      [],
    ],
    ['a chunk in 0x', () => post([TE], `0x${chunked(HELLO)}`), [400], []],
    ['a chunk below zero', () => post([TE], `-${chunked(HELLO)}`), [400], []],
    ['a chunk beyond numbers', () => post([TE], `fffffffffffffffff\r\n${HELLO}`), [400], []],
    ['a chunk with a space before its size', () => post([TE], ` ${chunked(HELLO)}`), [400], []],
    [
      'a chunk with a space after its size',
      () => post([TE], chunked(HELLO).replace('\r\n', ' \r\n')),
      [400],
      [],
    ],
    ['a chunk longer than its size', () => post([TE], `4\r\n${HELLO}\r\n0\r\n\r\n`), [400], []],
    ['chunks with bare line feeds', () => post([TE], chunked(HELLO).replaceAll('\r\n', '\n')), [400], []],
    [
      'trailers',
      () => post([TE], chunked(HELLO).replace(/\r\n$/, 'authorization: Bearer x\r\n\r\n')),
      [200],
      ONE,
    ],
    [
      'a body and a request behind it',
      () => post([length], HELLO + hidden()),
      [200, 200],
      ['GET /api/tags', ...ONE],
    ],
    [
      'a body that looks like a request',
      () => post([`content-length: ${hidden().length}`], hidden()),
      [400],
      [],
    ],
  ];

  test.each(shapes)('with %s', async (_what, request, answers, heard) => {
    const known = rig.simulator.requests.length;
    expect(await answersTo(request())).toEqual(answers);
    expect(asked(known)).toEqual(heard);
  });
});

describe('a request', () => {
  const edges: [what: string, request: () => string, answers: number[]][] = [
    ['without a host', () => lines('GET /healthz HTTP/1.1', '', ''), [400]],
    ['with two hosts', () => lines('GET /healthz HTTP/1.1', 'host: localhost', 'host: b', '', ''), [400]],
    ['of HTTP/1.0', () => lines('GET /healthz HTTP/1.0', '', ''), [200]],
    ['of HTTP/0.9', () => 'GET /healthz\r\n\r\n', [200]],
    ['of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
    ['of HTTP/9.9', () => lines('GET /healthz HTTP/9.9', 'host: localhost', '', ''), [400]],
    ['that is TLS', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
    ['with a method nobody knows', () => lines('BREW /healthz HTTP/1.1', 'host: localhost', '', ''), [400]],
    [
      'with a method in small letters',
      () => lines('get /healthz HTTP/1.1', 'host: localhost', '', ''),
      [400],
    ],
    ['to TRACE', () => lines('TRACE /healthz HTTP/1.1', 'host: localhost', '', ''), [405]],
    ['for everything', () => lines('OPTIONS * HTTP/1.1', 'host: localhost', '', ''), [404]],
    [
      'in absolute form',
      () => lines('GET http://elsewhere/healthz HTTP/1.1', 'host: localhost', '', ''),
      [403],
    ],
    ['to CONNECT', () => lines('CONNECT 169.254.169.254:80 HTTP/1.1', 'host: localhost', '', ''), []],
    [
      'to upgrade to a web socket',
      () =>
        lines(
          'GET /healthz HTTP/1.1',
          'host: localhost',
          'connection: upgrade',
          'upgrade: websocket',
          '',
          '',
        ),
      [200],
    ],
    [
      'to upgrade to HTTP/2',
      () =>
        lines(
          'GET /healthz HTTP/1.1',
          'host: localhost',
          'connection: upgrade, http2-settings',
          'upgrade: h2c',
          'http2-settings: AAMAAABk',
          '',
          '',
        ),
      [200],
    ],
    [
      'after empty lines',
      () => `${'\r\n'.repeat(1_000)}${lines('GET /healthz HTTP/1.1', 'host: localhost', '', '')}`,
      [200],
    ],
    ['with a body to GET', () => lines('GET /healthz HTTP/1.1', 'host: localhost', length, '', HELLO), [200]],
    [
      'with a long path',
      () => lines(`GET /${'a'.repeat(20_000)} HTTP/1.1`, 'host: localhost', '', ''),
      [431],
    ],
    ['with a path beyond ASCII', () => lines('GET /healthz\xff HTTP/1.1', 'host: localhost', '', ''), [400]],
    ['with a space in its path', () => lines('GET /heal thz HTTP/1.1', 'host: localhost', '', ''), [400]],
    [
      'with a long header',
      () => lines('GET /healthz HTTP/1.1', 'host: localhost', `x-a: ${'a'.repeat(20_000)}`, '', ''),
      [431],
    ],
    [
      'with many headers',
      () => lines('GET /healthz HTTP/1.1', 'host: localhost', ...Array(5_000).fill('a: b'), '', ''),
      [431],
    ],
    [
      'that expects what nobody knows',
      () => lines('GET /healthz HTTP/1.1', 'host: localhost', 'expect: magic', '', ''),
      [417],
    ],
    [
      'that waits before its body, with a wrong key',
      () =>
        lines(
          `POST ${CHAT} HTTP/1.1`,
          'host: localhost',
          'authorization: Bearer wrong',
          length,
          'expect: 100-continue',
          '',
          HELLO,
        ),
      [100, 401],
    ],
  ];

  test.each(edges)('%s', async (_what, request, answers) => {
    const known = rig.simulator.requests.length;
    expect(await answersTo(request())).toEqual(answers);
    expect(asked(known)).toEqual([]);
  });
});

describe('requests in one packet', () => {
  const native = () => {
    const body = JSON.stringify({ ...JSON.parse(HELLO), stream: false });
    return lines(
      'POST /ollama/api/chat HTTP/1.1',
      'host: localhost',
      auth(),
      `content-length: ${body.length}`,
      '',
      body,
    );
  };

  test('are answered in their order, and each is metered once', async () => {
    const own = await rig.user('admin');
    const mine = (text: string) => text.replaceAll(user.key, own.key);
    const one = [
      mine(post([length], HELLO)),
      mine(hidden()),
      mine(native()),
      mine(post([length], '{'.padEnd(HELLO.length))),
    ];
    const known = rig.simulator.requests.length;
    expect(await answersTo(one.join('').repeat(5))).toEqual(Array(5).fill([200, 200, 200, 400]).flat());
    expect(asked(known)).toEqual(Array(5).fill('GET /api/tags').concat(Array(10).fill('POST /api/chat')));
    const history = await rig.history(own.id);
    expect(history.reduce((sum, { requests }) => sum + requests, 0)).toBe(10);
    await expectUnharmed(rig, [own]);
  });

  test('end at one that breaks the rules: those before it are answered', async () => {
    const known = rig.simulator.requests.length;
    const broken = post([length, TE], HELLO);
    expect((await answersTo(native() + broken + native())).at(-1)).toBe(400);
    expect(asked(known).length).toBeLessThanOrEqual(1);
  });

  test('wait behind a stream, whose connection the client then closes', async () => {
    rig.simulator.pace = 5;
    const own = await rig.user('admin');
    const body = JSON.stringify({
      ...JSON.parse(HELLO),
      messages: [{ role: 'user', content: 'Count from 1 to 300' }],
      stream: true,
    });
    const stream = post([`content-length: ${body.length}`], body).replace(user.key, own.key);
    client = await rawClient(rig.url);
    client.write(stream + stream + native().replace(user.key, own.key));
    await until(() => client.received.includes('data: '));
    client.socket.destroy();
    await until(() => rig.simulator.requests.every(({ state }) => state !== 'running'));
    rig.simulator.pace = 0;
    await expectUnharmed(rig, [own]);
  });
});

test.each([
  ['the headers', () => lines(`POST ${CHAT} HTTP/1.1`, 'host: localhost', auth())],
  ['the body', () => post([length], HELLO.slice(0, 20))],
  ['a chunk', () => post([TE], `ff\r\n${HELLO.slice(0, 20)}`)],
  ['gzip', () => post([length, 'content-encoding: gzip'], '\x1f\x8b\x08')],
])('a connection that closes within %s leaves nothing', async (_what, text) => {
  const known = rig.simulator.requests.length;
  const own = await rig.user('admin');
  for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
    client = await rawClient(rig.url);
    client.write(Buffer.from(text().replace(user.key, own.key), 'latin1'));
    await sleep(30);
    client.socket[end]();
    await client.closed;
  }
  await expectUnharmed(rig, [own]);
  expect(asked(known)).toEqual([]);
  expect(await rig.history(own.id)).toEqual([]);
});

test('a thousand connections that say nothing keep nobody out', async () => {
  const idle: RawClient[] = [];
  for (let count = 0; count < 1_000; count += 50) {
    idle.push(...(await Promise.all(Array.from({ length: 50 }, () => rawClient(rig.url)))));
  }
  expect(await answersTo(post([length], HELLO))).toEqual([200]);
  for (const { socket } of idle) socket.destroy();
  await Promise.all(idle.map(({ closed }) => closed));
});
