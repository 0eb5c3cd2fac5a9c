/** An upstream that breaks the rules of HTTP or of JSON, at every phase of an answer. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';
import { answered, asks, expectUnharmed, READS } from './clients.js';
import { flood, type RawUpstream, type Script, startRawUpstream } from './raw-upstream.js';

let upstream: RawUpstream;
let rig: Rig;
beforeAll(async () => {
  upstream = await startRawUpstream();
  rig = await startRig({
    config: {
      api_gateways: {
        discovery: { cache_ttl: 0 },
        ollama: {
          port: upstream.port,
          first_byte_timeout: 1,
          model_mappings: { mine: 'llama2' },
        },
        openai: { model_mappings: { mine: 'llama2' } },
      },
    },
  });
});
afterAll(async () => {
  await rig.close();
  await upstream.close();
});

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const chunk = (text: string | Buffer) =>
  Buffer.concat([Buffer.from(`${text.length.toString(16)}\r\n`), Buffer.from(text), Buffer.from('\r\n')]);
const line = (value: object) => `${JSON.stringify({ model: 'llama2', ...value })}\n`;
const said = (content: string) =>
  line({ message: { role: 'assistant', content }, response: content, done: false });
const END = line({
  message: { role: 'assistant', content: '' },
  response: '',
  done: true,
  done_reason: 'stop',
  prompt_eval_count: 5,
  eval_count: 2,
  embeddings: [[0.5, 0.5]],
});
const framed = (body: string | Buffer, length = Buffer.byteLength(body), headers = '') =>
  Buffer.concat([Buffer.from(`${OK}${headers}content-length: ${length}\r\n\r\n`), Buffer.from(body)]);
const writes =
  (...pieces: (string | Buffer)[]): Script =>
  async (socket) => {
    for (const piece of pieces) {
      socket.write(piece);
      await sleep(5);
    }
  };
const then = (script: Script, end: (socket: Socket) => unknown): Script => {
  return async (socket) => {
    await script(socket);
    end(socket);
  };
};
const floods = (head: string, piece: string): Script => {
  return async (socket) => {
    socket.write(head);
    await flood(socket, Buffer.from(piece), 200_000);
  };
};
const nested = (open: string, inner: string, close: string, depth = 20_000) =>
  open.repeat(depth) + inner + close.repeat(depth);
const closing = (socket: Socket) => socket.end();
const resetting = (socket: Socket) => socket.resetAndDestroy();
const gzip = 'content-encoding: gzip\r\n';
const packed = gzipSync(said('Hi') + END);

/** What it does, and whether that can be read as an answer. */
const ODDITIES: [what: string, script: Script, fine?: 'fine'][] = [
  ['never answers', () => {}],
  ['closes without a word', closing],
  ['resets without a word', resetting],
  ['resets within the status line', then(writes('HTTP/1.'), resetting)],
  ['resets within the headers', then(writes(`${OK}x-half: `), resetting)],
  ['resets after the headers', then(writes(CHUNKED), resetting)],
  ['closes after the headers', then(writes(CHUNKED), closing)],
  ['resets within a line', then(writes(CHUNKED, chunk('{"model":"lla')), resetting)],
  ['closes within a line', then(writes(CHUNKED, chunk('{"model":"lla')), closing)],
  ['resets between lines', then(writes(CHUNKED, chunk(said('Hi'))), resetting)],
  ['closes between lines', then(writes(CHUNKED, chunk(said('Hi'))), closing)],
  [
    'closes between lines, without framing',
    then(writes(`${OK}connection: close\r\n\r\n`, said('Hi')), closing),
  ],
  ['ends without framing', then(writes(`${OK}connection: close\r\n\r\n`, said('Hi'), END), closing), 'fine'],
  ['speaks no HTTP', writes('SSH-2.0-OpenSSH_9.2\r\n')],
  ['sends bytes of no kind', writes(Buffer.alloc(2_000, 0xfe))],
  ['says HTTP/2', writes('HTTP/2 200\r\n\r\n')],
  ['says a status of four digits', writes('HTTP/1.1 2000 OK\r\n\r\n')],
  ['says status 100 and no more', writes('HTTP/1.1 100 Continue\r\n\r\n')],
  ['says status 204', writes('HTTP/1.1 204 No Content\r\n\r\n')],
  [
    'says status 301',
    writes('HTTP/1.1 301 Moved\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n'),
  ],
  ['says 200 and nothing else', writes(framed(''))],
  ['sends headers without end', floods(OK, 'x-more: 1\r\n'.repeat(800))],
  ['sends one header without end', floods(`${OK}x-long: `, 'x'.repeat(9_000))],
  ['sends an error that nests deeply', writes(framed(nested('{"error":', '"boom"', '}')))],
  ['sends an error of another type', writes(framed('{"error":[7],"done":true}'))],
  ['sends HTML', writes(framed('<!doctype html>\n<html><body>Welcome to nginx!</body></html>\n'))],
  ['sends a list', writes(framed('[]'))],
  ['sends null', writes(framed('null'))],
  ['sends a number', writes(framed('7'))],
  ['sends an empty object', writes(framed('{}'))],
  ['sends JSON that nests deeply', writes(framed(`{"message":${nested('[', '', ']')},"done":true}\n`))],
  [
    'sends calls that nest deeply',
    writes(
      framed(
        `{"message":{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":${nested('[', '', ']')}}}]},"done":true}\n`,
      ),
    ),
  ],
  [
    'sends fields of other types',
    writes(framed(line({ message: 7, response: [], done: 'yes', embeddings: 'no' }))),
  ],
  [
    'sends a message of other types',
    writes(
      framed(
        line({
          message: { role: 7, content: {}, thinking: [], tool_calls: {} },
          response: {},
          done: true,
          embeddings: [7],
        }),
      ),
    ),
  ],
  [
    'sends calls of other types',
    writes(
      framed(
        line({
          message: {
            role: 'assistant',
            content: '',
            tool_calls: [null, 7, { function: 7 }, { function: { name: 7 } }],
          },
          response: '',
          done: true,
        }),
      ),
    ),
  ],
  [
    'sends counts of other types',
    writes(
      framed(
        line({
          message: { content: 'Hi' },
          response: 'Hi',
          done: true,
          prompt_eval_count: '5',
          eval_count: {},
          embeddings: [[1]],
        }),
      ),
    ),
  ],
  [
    'sends counts below zero',
    writes(
      framed(
        line({
          message: { content: 'Hi' },
          response: 'Hi',
          done: true,
          prompt_eval_count: -500,
          eval_count: -500,
          embeddings: [[1]],
        }),
      ),
    ),
  ],
  [
    'sends counts beyond numbers',
    writes(
      framed(
        '{"message":{"content":"Hi"},"response":"Hi","done":true,"prompt_eval_count":1e999,"eval_count":0.5,"embeddings":[[1]]}',
      ),
    ),
  ],
  [
    'sends logprobs of other types',
    writes(framed(line({ message: { content: 'Hi' }, response: 'Hi', done: true, logprobs: [7, null] }))),
  ],
  [
    'sends the same key twice',
    writes(
      framed(
        `{"model":"a","model":"llama2","message":{"content":"a","content":"Hi"},"response":"Hi","done":false,"done":true,"embeddings":[[1]]}`,
      ),
    ),
    'fine',
  ],
  ['announces more than it sends', then(writes(framed(said('Hi'), 5_000)), closing)],
  ['announces less than it sends', writes(framed(said('Hi') + END, 20))],
  ['announces two lengths', writes(`${OK}content-length: 5\r\ncontent-length: 6\r\n\r\n{}\n{}`)],
  ['announces a length of no kind', writes(`${OK}content-length: many\r\n\r\n{}`)],
  ['has chunks of no size', writes(CHUNKED, 'zz\r\n{}\r\n')],
  ['has chunks of a size beyond numbers', then(writes(CHUNKED, 'ffffffffffffffff\r\n{}\r\n'), closing)],
  ['has chunks longer than announced', writes(CHUNKED, `5\r\n${said('Hi')}\r\n`)],
  ['sends broken gzip', writes(framed('no gzip at all', undefined, gzip))],
  ['sends half of a gzip', then(writes(framed(packed.subarray(0, -9), undefined, gzip)), closing)],
  [
    'sends gzip that breaks off',
    then(writes(`${OK}${gzip}transfer-encoding: chunked\r\n\r\n`, chunk(packed.subarray(0, 20))), resetting),
  ],
  ['sends an encoding of no kind', writes(framed(packed, undefined, 'content-encoding: snappy\r\n'))],
  [
    'comes a byte at a time',
    (socket) => byByte(socket, [CHUNKED, chunk(said('Hi')), chunk(END), chunk('')]),
    'fine',
  ],
  ['goes on after its end', writes(CHUNKED, chunk(said('Hi') + END + said('more') + END), chunk('')), 'fine'],
  ['answers twice', writes(framed(said('Hi') + END), framed(said('Hi') + END)), 'fine'],
];

async function byByte(socket: Socket, pieces: (string | Buffer)[]): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of Buffer.concat(pieces.map((piece) => Buffer.from(piece)))) {
    socket.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
}

test.each(ODDITIES)('an upstream that %s', async (_what, script, fine) => {
  const user = await rig.user();
  rig.log.length = 0;
  upstream.script = script;
  const results = await Promise.all(
    [...asks('Hello!', 'mine', 'mine'), ...READS].map(
      async (ask) => [ask, await send(rig.url, ask.path, { key: user.key, body: ask.body })] as const,
    ),
  );
  for (const [ask, reply] of results) {
    const full = answered(ask, reply);
    // Embeddings are one document: two lines are none.
    if (fine && ask.body && !ask.path.includes('embed')) expect([ask.path, full]).toEqual([ask.path, true]);
  }
  await expectUnharmed(rig, [user]);
});
