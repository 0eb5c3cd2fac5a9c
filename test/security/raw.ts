/** Bytes as no client library would send them. */
import { connect } from 'node:net';

/** Sends `text` on a connection of its own. @returns all that comes back until the server has closed it */
export function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text, 'latin1'));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
    });
    // A reset after the answer is an end, too.
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

/** One request, after which the connection is closed. */
export const request = (line: string, headers: string[] = [], body = '') =>
  `${[line, 'Host: localhost', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n${body}`;

export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
