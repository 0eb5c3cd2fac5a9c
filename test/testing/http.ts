import { type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The body in the HTTP chunks it came in, as far as the socket kept them apart. */
  chunks: string[];
  /** False where the connection broke before the end. */
  complete: boolean;
}

export interface Call {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | null;
}

/** A request with exactly these headers: no client library that adds its own. */
export function send(url: string, { method, path, headers = {}, body }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === null || body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const sent = request(
      `${url}${path}`,
      { method, headers: { ...headers, ...length }, agent: false },
      (response) => {
        // From here on a broken connection is an answer that is not complete.
        sent.off('error', reject);
        sent.on('error', () => undefined);
        const chunks: Buffer[] = [];
        const finish = () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('utf8'),
            chunks: chunks.map((chunk) => chunk.toString('utf8')),
            complete: response.complete,
          });
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => undefined);
        response.on('close', finish);
      },
    );
    sent.on('error', reject);
    sent.end(body ?? undefined);
  });
}

export const post = (url: string, path: string, body: unknown): Promise<Answer> =>
  send(url, { method: 'POST', path, body: JSON.stringify(body) });

/** The objects of an NDJSON body. */
export const lines = (answer: Answer): Record<string, unknown>[] =>
  answer.body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
