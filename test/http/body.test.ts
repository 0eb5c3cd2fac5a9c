import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { parseJson, readBody } from '../../src/core/http/body.js';

const LIMIT = 1_000;
const read = (body: unknown, headers: Record<string, string> = {}, limit = LIMIT, timeout = 30) =>
  readBody({ method: 'POST', url: '/', headers, body }, { limit, timeout });

test('a stream is read whole, in any pieces', async () => {
  const pieces = [...Buffer.from('{"a":"é"}')].map((byte) => Buffer.from([byte]));
  expect(parseJson(await read(Readable.from(pieces, { objectMode: false })), 'openai')).toEqual({ a: 'é' });
});

test('a value that the host has parsed is taken as it is', async () => {
  const value = { model: 'm' };
  expect(parseJson(await read(value), 'openai')).toBe(value);
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
])('%s is decoded', async (encoding, compress) => {
  const body = Readable.from([compress(Buffer.from('{"a":1}'))]);
  expect(parseJson(await read(body, { 'content-encoding': encoding }), 'openai')).toEqual({ a: 1 });
});

test('the limit counts decoded bytes: a bomb is refused', async () => {
  const bomb = gzipSync(Buffer.alloc(1_000_000));
  expect(bomb.length).toBeLessThan(LIMIT * 2);
  await expect(read(Readable.from([bomb]), { 'content-encoding': 'gzip' })).rejects.toMatchObject({
    status: 413,
  });
});

test.each(['constructor', 'toString', '__proto__'])('%s is no encoding', async (encoding) => {
  const body = Readable.from(['{}']);
  await expect(read(body, { 'content-encoding': encoding })).rejects.toMatchObject({ status: 415 });
});

test("broken and unknown encodings are the client's fault", async () => {
  await expect(
    read(Readable.from([Buffer.from('no gzip')]), { 'content-encoding': 'gzip' }),
  ).rejects.toMatchObject({ status: 400 });
  for (const unknown of ['snappy', 'gzip, gzip', 'constructor', '__proto__']) {
    await expect(read(Readable.from(['x']), { 'content-encoding': unknown })).rejects.toMatchObject({
      status: 415,
    });
  }
});

test.each([
  ['a stream', () => Readable.from([Buffer.alloc(600), Buffer.alloc(600)])],
  ['bytes', () => Buffer.alloc(1_001)],
  ['a text', () => 'é'.repeat(600)],
])('%s above the limit is 413', async (_, body) => {
  await expect(read(body())).rejects.toMatchObject({ kind: 'too_large' });
});

test('a length that is announced above the limit is refused before anything is read', async () => {
  const body = new Readable({ read: () => expect.unreachable('was read') });
  await expect(read(body, { 'content-length': '5000' })).rejects.toMatchObject({ kind: 'too_large' });
});

test('a client that goes away while it sends is told from one that has sent all', async () => {
  const body = new Readable({ read() {} });
  body.push('{"a"');
  const reading = read(body);
  body.destroy();
  await expect(reading).rejects.toMatchObject({ kind: 'client_gone' });
});

test.each(['identity', 'gzip'])(
  'a connection that breaks within a body in %s is no bug',
  async (encoding) => {
    const body = new Readable({ read() {} });
    body.push(gzipSync('{"a":1}').subarray(0, 12));
    const reading = read(body, { 'content-encoding': encoding });
    // As Node's server says it.
    body.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
    await expect(reading).rejects.toMatchObject({ kind: 'client_gone' });
  },
);

test.each(['identity', 'gzip'])('a body in %s that does not arrive in time is 408', async (encoding) => {
  const body = new Readable({ read() {} });
  body.push(gzipSync('{"a":1}').subarray(0, 12));
  await expect(read(body, { 'content-encoding': encoding }, LIMIT, 0.05)).rejects.toMatchObject({
    status: 408,
  });
  expect(body.destroyed).toBe(false);
});

test.each(['identity', 'gzip'])(
  'a client that left before its body in %s was asked for keeps nothing waiting',
  async (encoding) => {
    const body = new Readable({ read() {} });
    body.destroy();
    await once(body, 'close');
    await expect(read(body, { 'content-encoding': encoding })).rejects.toMatchObject({ kind: 'client_gone' });
  },
);

test('what is no JSON says where it is wrong, without repeating the text', () => {
  expect(() => parseJson(Buffer.from('{"secret": tru}'), 'openai')).toThrow("not valid JSON: unexpected '}'");
  expect(() => parseJson(Buffer.from('{"secret": tru}'), 'openai')).not.toThrow(/secret/);
  expect(() => parseJson(`{"secret": "${'x'.repeat(100)}", tru}`, 'openai')).toThrow(
    /unexpected token at position 1\d\d/,
  );
  expect(() => parseJson('{"a":', 'openai')).toThrow(/ends too early/);
});

test.each([['' as unknown], ['  \n'], [undefined]])(
  'no body (%j) is named in the words of the dialect',
  (body) => {
    expect(() => parseJson(body, 'ollama')).toThrow('missing request body');
    expect(() => parseJson(body, 'openai')).toThrow('The request has no body.');
  },
);

test('a byte order mark is no fault', () => {
  expect(parseJson(Buffer.from('\uFEFF{}'), 'openai')).toEqual({});
});

test('what is nested too deeply for those who read it is refused', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(parseJson(nested(500), 'openai')).toBeInstanceOf(Array);
  const tooDeep = expect.objectContaining({ status: 400, kind: 'invalid_value' });
  expect(() => parseJson(nested(501), 'openai')).toThrow(tooDeep);
  expect(() => parseJson(`{"a":${nested(100_000)}}`, 'openai')).toThrow(tooDeep);
  expect(() => parseJson(JSON.parse(nested(5_000)), 'ollama')).toThrow(tooDeep);
});

/** What a server reads of one request, and whether Node called the request complete by then. */
async function readServed(pieces: string[]): Promise<{ text: string; complete: boolean }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const served = new Promise<{ text: string; complete: boolean }>((resolve, reject) => {
    server.on('request', async (request: IncomingMessage) => {
      // As a gateway looks up a key before it reads.
      await Promise.resolve();
      readBody(
        { method: 'POST', url: '/', headers: request.headers, body: request },
        { limit: LIMIT, timeout: 30 },
      ).then((bytes) => resolve({ text: String(bytes), complete: request.complete }), reject);
    });
  });
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  for (const piece of pieces) {
    client.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const result = await served;
  client.destroy();
  server.close();
  return result;
}

const HEAD = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 7\r\n\r\n';

test('a body that comes with its headers is read without waiting until Node calls it complete', async () => {
  expect(await readServed([`${HEAD}{"a":1}`])).toEqual({ text: '{"a":1}', complete: false });
});

test('a body that comes in pieces is waited for', async () => {
  expect(await readServed([HEAD, '{"a"', ':1}'])).toEqual({ text: '{"a":1}', complete: true });
  expect(await readServed([`${HEAD}{"a"`, ':1}'])).toEqual({ text: '{"a":1}', complete: true });
});
