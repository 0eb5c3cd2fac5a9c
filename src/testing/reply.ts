/** Writes answers with the headers and the framing of Go's HTTP server. */
import type { ServerResponse } from 'node:http';
import { goStringify } from './go-text.js';

const JSON_TYPE = 'application/json; charset=utf-8';

/** Go sends longer answers in chunks, because it has not buffered them whole. */
const BUFFERED = 2048;

export interface Reply {
  readonly started: boolean;
  json(status: number, value: unknown): void;
  text(status: number, text: string, headers?: Record<string, string>): void;
  /** No body and no type. */
  empty(status: number): void;
  /** One line of a stream. Comes back when the client has room for more. */
  line(value: unknown): Promise<void>;
  /** Any text in a stream. */
  raw(text: string): Promise<void>;
  /** Ends a stream, with an error where there is one: as a status, where nothing was sent yet. */
  end(error?: { status: number; message: string }): void;
  /** Resets the connection. */
  destroy(): void;
}

export function createReply(response: ServerResponse, method: string): Reply {
  // Go says nothing about the connection; Node would.
  response.removeHeader('connection');

  function whole(status: number, body: string, headers: Record<string, string>): void {
    const length = Buffer.byteLength(body);
    const framing =
      length > BUFFERED ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(length) };
    response.writeHead(status, { ...headers, ...framing });
    response.end(method === 'HEAD' ? undefined : body);
  }

  function write(text: string): Promise<void> {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson', 'transfer-encoding': 'chunked' });
    }
    if (response.destroyed || response.write(text)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        response.off('drain', done);
        response.off('close', done);
        resolve();
      };
      response.once('drain', done);
      response.once('close', done);
    });
  }

  return {
    get started() {
      return response.headersSent;
    },
    json: (status, value) => whole(status, goStringify(value), { 'content-type': JSON_TYPE }),
    text: (status, text, headers = {}) => whole(status, text, { 'content-type': 'text/plain', ...headers }),
    empty: (status) => whole(status, '', {}),
    line: (value) => write(`${goStringify(value)}\n`),
    raw: write,
    end(error) {
      if (!error) response.end();
      else if (response.headersSent) response.end(`${goStringify({ error: error.message })}\n`);
      else {
        const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
        response.writeHead(error.status, headers);
        response.end(goStringify({ error: error.message }));
      }
    },
    destroy() {
      response.socket?.resetAndDestroy();
      response.destroy();
    },
  };
}
