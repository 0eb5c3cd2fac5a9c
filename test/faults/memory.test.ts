/** What has no end, or is far larger than it looks, does not fill a server's memory: a process of its own is watched. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { send } from '../support/gateway.js';
import { cli, type ServerProcess, startServer, stopServers, writeConfig } from '../support/server-process.js';

const MIB = 2 ** 20;
const CHAT = '/openai/v1/chat/completions';
const HELLO = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] };
const EMBED = { model: 'llama2', input: 'Hello!' };

let directory: string;
let upstream: Server;
let answer: (res: ServerResponse) => void;
let server: ServerProcess;
let key: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parallama-memory-'));
  upstream = createServer((req, res) => {
    req.resume();
    res.on('error', () => {});
    req.once('end', () => (req.method === 'POST' ? answer(res) : res.end('{"version":"0.24.0"}')));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const config = await writeConfig(directory, (upstream.address() as AddressInfo).port);
  await cli(config, 'user', 'create', 'eve', '--role', 'admin');
  key = (await cli(config, 'key', 'generate', 'eve')).trim().split(/\s+/)[0]!;
  server = await startServer(config);
});
afterAll(async () => {
  await stopServers();
  upstream.closeAllConnections();
  upstream.close();
  await rm(directory, { recursive: true, force: true });
});

/** MiB that the server has ever used. */
async function peak(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) / 1_024;
}

/** Writes the piece again and again, as fast as it is read, until `most` bytes or until nobody reads. */
function pour(to: Writable, piece: Buffer, most: number): void {
  let written = 0;
  const write = () => {
    while (!to.destroyed && written < most) {
      written += piece.length;
      if (!to.write(piece)) return;
    }
    to.end();
  };
  to.on('drain', write);
  write();
}

const LINE = Buffer.from(
  `${JSON.stringify({ model: 'llama2', message: { role: 'assistant', content: 'x'.repeat(1_000) }, done: false })}\n`.repeat(
    50,
  ),
);
const ENDLESS = 2_048 * MIB;
/** MiB. What has no end would be beyond it; whole answers end at 128 MiB, and are there twice as they are put together. */
const MOST = 1_024;

const linux = test.skipIf(process.platform !== 'linux');

linux.each<[what: string, path: string, body: object, answer: (res: ServerResponse) => void]>([
  [
    'a line without end',
    CHAT,
    { ...HELLO, stream: true },
    (res) => pour(res, Buffer.alloc(MIB, 'x'), ENDLESS),
  ],
  ['megabytes of blank lines', CHAT, HELLO, (res) => pour(res, Buffer.alloc(64 * 1_024, '\n'), 8 * MIB)],
  [
    'a line without end in gzip',
    '/ollama/api/chat',
    HELLO,
    (res) => {
      res.writeHead(200, { 'content-encoding': 'gzip' });
      const zip = createGzip({ level: 1 });
      zip.pipe(res);
      res.on('close', () => zip.destroy());
      pour(zip, Buffer.alloc(MIB, 'x'), ENDLESS);
    },
  ],
  ['a whole answer without end', CHAT, HELLO, (res) => pour(res, LINE, ENDLESS)],
  [
    'embeddings without end',
    '/openai/v1/embeddings',
    EMBED,
    (res) => pour(res, Buffer.alloc(MIB, '1,'), ENDLESS),
  ],
  [
    'an error without end',
    CHAT,
    HELLO,
    (res) => {
      res.writeHead(500);
      pour(res, Buffer.alloc(MIB, 'x'), ENDLESS);
    },
  ],
])(
  '%s from the upstream',
  async (_what, path, body, script) => {
    answer = script;
    const reply = await send(server.url, path, { key, body });
    expect(reply.status, reply.text.slice(0, 200)).toBe(502);
    expect(await peak()).toBeLessThan(MOST);
    expect((await send(server.url, '/healthz')).status).toBe(200);
  },
  60_000,
);

linux(
  'requests that unpack to half a gibibyte each',
  async () => {
    const bomb = gzipSync(Buffer.alloc(512 * MIB));
    const replies = await Promise.all(
      Array.from({ length: 8 }, () =>
        send(server.url, CHAT, { key, body: bomb, headers: { 'content-encoding': 'gzip' } }),
      ),
    );
    for (const { status } of replies) expect(status).toBe(413);
    expect(await peak()).toBeLessThan(MOST);
    expect((await send(server.url, '/healthz')).status).toBe(200);
  },
  60_000,
);

linux('a body of a million keys', async () => {
  const keys = Array.from({ length: 1_000_000 }, (_, index) => `"k${index}":1`).join(',');
  const reply = await send(server.url, CHAT, { key, body: `{${keys}}` });
  expect(reply.status).toBe(400);
  expect(await peak()).toBeLessThan(MOST);
  expect((await send(server.url, '/healthz')).status).toBe(200);
});
