/** Clients that keep a server waiting, or stop listening, or are gone without a word. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig, until } from '../support/gateway.js';
import { expectUnharmed } from './clients.js';
import { type RawClient, rawClient, statuses } from './raw-client.js';
import { flood, type RawUpstream, startRawUpstream } from './raw-upstream.js';

const CHAT = '/openai/v1/chat/completions';
const HELLO = JSON.stringify({ model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] });
/** Seconds that clients have here. */
const TIMEOUT = 1;

let rig: Rig;
let user: Awaited<ReturnType<Rig['user']>>;
const clients: RawClient[] = [];
beforeAll(async () => {
  rig = await startRig({ config: { server: { client_timeout: TIMEOUT } } });
  user = await rig.user('admin');
});
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await expectUnharmed(rig, [user]);
});
afterAll(() => rig.close());

async function client(url = rig.url): Promise<RawClient> {
  const made = await rawClient(url);
  clients.push(made);
  return made;
}

const head = (length: number, path = CHAT, key = user.key) =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-length: ${length}\r\n\r\n`;

/** Sends a byte now and then, until it is no longer wanted. */
async function trickle({ socket }: RawClient, text: string): Promise<void> {
  for (const byte of text) {
    if (socket.destroyed) return;
    socket.write(byte);
    await sleep(100);
  }
}

test('headers that do not come, or come a byte at a time, are 408', async () => {
  const beginnings = ['', 'POST /openai', 'POST / HTTP/1.1\r\nhost: localhost\r\nx-half'];
  const slow = await Promise.all([...beginnings, ''].map(() => client()));
  for (const [index, text] of beginnings.entries()) slow[index]!.write(text);
  void trickle(slow.at(-1)!, `POST ${CHAT} HTTP/1.1\r\n${'x-a: b\r\n'.repeat(1_000)}`);
  for (const { closed } of slow) await closed;
  expect(slow.map(({ received }) => statuses(received))).toEqual([[408], [408], [408], [408]]);
});

test('a body that comes a byte at a time is told so in its dialect, and ends with its connection', async () => {
  const asked = rig.simulator.requests.length;
  const answers: [path: string, key: string, status: number, error: unknown][] = [
    [CHAT, user.key, 408, { code: 'request_timeout' }],
    ['/ollama/api/chat', user.key, 408, expect.any(String)],
    ['/ollama/api/show', user.key, 408, expect.any(String)],
    // Told before the body is there, and then waited for no longer than others are.
    [CHAT, 'wrong', 401, { code: 'invalid_api_key' }],
  ];
  await Promise.all(
    answers.map(async ([path, key, status, error]) => {
      const slow = await client();
      slow.write(head(10_000, path, key));
      void trickle(slow, ' '.repeat(10_000));
      await slow.closed;
      expect(statuses(slow.received)).toEqual([status]);
      expect(JSON.parse(slow.received.split('\r\n\r\n')[1]!)).toMatchObject({ error });
    }),
  );
  expect(rig.simulator.requests.length).toBe(asked);
});

test('an upload of a model that stands still is closed; one that goes on is not', async () => {
  const digest = `sha256:${'1'.repeat(64)}`;
  const [still, going] = [await client(), await client()];
  for (const one of [still, going]) one.write(head(1_000, `/ollama/api/blobs/${digest}`));
  const sending = trickle(going, ' '.repeat(35));
  await still.closed;
  await sending;
  expect(going.socket.destroyed).toBe(false);
  going.write(' '.repeat(965));
  await until(() => statuses(going.received).length > 0);
});

test('a connection that is idle between two requests stays', async () => {
  const idle = await client();
  idle.write(head(HELLO.length) + HELLO);
  await until(() => idle.received.includes('"choices"'));
  await sleep(TIMEOUT * 2_500);
  idle.write(head(HELLO.length) + HELLO);
  await until(() => statuses(idle.received).length === 2);
  expect(statuses(idle.received)).toEqual([200, 200]);
});

test('a client may wait for a model for longer than that', async () => {
  rig.simulator.firstToken = TIMEOUT * 2_500;
  const reply = await send(rig.url, CHAT, { key: user.key, body: HELLO });
  rig.simulator.firstToken = 0;
  expect(reply.status).toBe(200);
});

test.each(['/openai/v1/chat/completions', '/ollama/api/chat'])(
  'a stream of %s that nobody reads gives its model back',
  async (path) => {
    const upstream: RawUpstream = await startRawUpstream();
    const own = await startRig({
      config: { server: { client_timeout: TIMEOUT }, api_gateways: { ollama: { port: upstream.port } } },
    });
    const reader = await own.user('admin');
    const content = 'x'.repeat(60_000);
    const line = `${JSON.stringify({ model: 'llama2', message: { role: 'assistant', content }, done: false })}\n`;
    upstream.script = async (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n');
      await flood(socket, Buffer.from(line), 2 ** 30);
    };
    const deaf = await client(own.url);
    const body = JSON.stringify({ ...JSON.parse(HELLO), stream: true });
    deaf.socket.pause();
    deaf.write(head(body.length, path, reader.key) + body);
    await until(() => upstream.open === 1);
    await until(() => upstream.open === 0, 20_000);
    await expectUnharmed(own, [reader]);
    expect((await own.history(reader.id))[0]).toMatchObject({ requests: 1, aborted: 1 });
    await own.close();
    await upstream.close();
  },
  30_000,
);

test('a whole answer that nobody reads is let go', async () => {
  const upstream = await startRawUpstream();
  const own = await startRig({
    config: { server: { client_timeout: TIMEOUT }, api_gateways: { ollama: { port: upstream.port } } },
  });
  const reader = await own.user('admin');
  const text = JSON.stringify({ version: 'x'.repeat(50_000_000) });
  upstream.script = (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
  const deaf = await client(own.url);
  deaf.socket.pause();
  deaf.write(
    `GET /ollama/api/version HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${reader.key}\r\n\r\n`,
  );
  await until(() => upstream.requests.length > 0);
  await sleep(TIMEOUT * 3_500);
  deaf.socket.resume();
  await deaf.closed;
  expect(deaf.received.length).toBeLessThan(text.length);
  await own.close();
  await upstream.close();
}, 30_000);

test('a slow reader that goes on reading has its whole answer', async () => {
  rig.simulator.pace = 1;
  const body = JSON.stringify({
    model: 'llama2',
    stream: true,
    messages: [{ role: 'user', content: 'Count from 1 to 300' }],
  });
  const slow = await client();
  slow.write(head(body.length) + body);
  while (!slow.received.includes('[DONE]')) {
    slow.socket.pause();
    await sleep(200);
    slow.socket.resume();
    await sleep(5);
  }
  rig.simulator.pace = 0;
});
