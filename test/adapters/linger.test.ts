/** Which answers wait for the end of their request. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { lingering } from '../../src/adapters/linger.js';

const ANSWER = { status: 401, headers: {}, body: '{}' };

let client: Socket | undefined;
const server = createServer();
afterEach(() => {
  client?.destroy();
  server.close();
  server.removeAllListeners('request');
});

/** The request as a gateway sees it that answers in the turn in which the head came. */
async function received(bytes: string): Promise<IncomingMessage> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write(bytes);
  const [request] = (await once(server, 'request')) as [IncomingMessage];
  await new Promise((resolve) => process.nextTick(resolve));
  return request;
}

test.each([
  ['no body', 'GET / HTTP/1.1\r\nhost: test\r\n\r\n'],
  ['a body that came with its head', 'POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello'],
])('a request with %s is answered at once', async (_name, bytes) => {
  const request = await received(bytes);

  expect(lingering(request, ANSWER)).toBe(ANSWER);
});

test.each([
  ['a length', 'POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhel'],
  ['chunks', 'POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n'],
])('the answer to half a body with %s waits for the rest', async (_name, bytes) => {
  const request = await received(bytes);

  expect(lingering(request, ANSWER)).toMatchObject({ status: 401, headers: { 'content-length': '2' } });
  expect(lingering(request, ANSWER).body).not.toBe(ANSWER.body);
});
