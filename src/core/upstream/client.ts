/** Talks to Ollama. Every failure is a GatewayError, and none of them names where Ollama is. */
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type Dispatcher, errors, Pool } from 'undici';
import { GatewayError } from '../errors.js';
import type { Stop } from '../stop.js';
import { type AnswerBody, bodyOf, type Receiving, receiving } from './answer-body.js';

export interface UpstreamOptions {
  /** `http://localhost:11434` */
  origin: string;
  /** Seconds to connect. */
  connectTimeout: number;
  /** Seconds to the first byte of an answer; loading a model counts. 0 waits for ever. */
  firstByteTimeout: number;
}

export interface UpstreamAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: AnswerBody;
}

export interface UpstreamRequest {
  method: Dispatcher.HttpMethod;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer | Readable;
  /** Where a model is to work for it: its one name, whatever the body calls it. */
  model?: string;
  /** Ends it, and so does each of `stops`. */
  signal?: AbortSignal;
  stops?: Stop[];
  /** The answer has come to its end, or broken off; not called where there was none. It may be before `send` resolves. */
  onOver?(whole: boolean): void;
}

export interface Upstream {
  /**
   * Resolves with the answer's headers, whatever the status.
   * @throws GatewayError upstream_unavailable, upstream_timeout, or client_gone where it was told to end
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  close(): Promise<void>;
}

/**
 * On undici's `dispatch`: its `request` would make a stream with a dozen features that nobody here uses for each
 * answer, and its timeouts, of which only the one for the first byte is wanted, a timer to collect.
 */
export function createUpstream({ origin, connectTimeout, firstByteTimeout }: UpstreamOptions): Upstream {
  const pool = new Pool(origin, {
    connect: { timeout: connectTimeout * 1_000 },
    headersTimeout: 0,
    // Between two chunks a model may evaluate a long prompt or a tool call; the client's own patience is the limit.
    bodyTimeout: 0,
    connections: null,
    pipelining: 1,
    keepAliveTimeout: 30_000,
  });

  function send(request: UpstreamRequest): Promise<UpstreamAnswer> {
    const { method, path, headers, body, signal, stops = [] } = request;
    return new Promise((resolve, reject) => {
      let exchange: Dispatcher.DispatchController | undefined;
      let answer: Receiving | undefined;
      let patience: NodeJS.Timeout | undefined;
      let whole = false;
      let over: Error | undefined;
      const leave = () => end(new GatewayError('client_gone'));

      function listenNoMore(): void {
        signal?.removeEventListener('abort', leave);
        for (const stop of stops) stop.off(leave);
      }

      /** Closes the connection. */
      function end(reason: Error): void {
        if (whole || over) return;
        over = reason;
        clearTimeout(patience);
        listenNoMore();
        exchange?.abort(reason);
        if (!answer) {
          reject(reason);
          return;
        }
        request.onOver?.(false);
        answer.end(reason);
      }

      if (signal?.aborted || stops.some(({ said }) => said)) return leave();
      signal?.addEventListener('abort', leave, { once: true });
      for (const stop of stops) stop.on(leave);
      pool.dispatch(
        { method, path, headers, body },
        {
          onRequestStart(controller) {
            exchange = controller;
            if (over) controller.abort(over);
          },
          onRequestSent() {
            if (firstByteTimeout === 0 || answer || over) return;
            patience = setTimeout(() => end(new GatewayError('upstream_timeout')), firstByteTimeout * 1_000);
          },
          onResponseStart(controller, status, answerHeaders) {
            // 1xx: the answer is still to come.
            if (status < 200) return;
            clearTimeout(patience);
            answer = receiving({
              pause: () => controller.pause(),
              resume: () => controller.resume(),
              stop(reason) {
                // Every reader stops at last; an error would be made with its stack each time.
                if (!whole) end(reason ?? new Error('The answer was not read to its end.'));
              },
            });
            resolve(decoded({ status, headers: answerHeaders, body: answer }));
          },
          onResponseData(_, chunk) {
            answer?.piece(chunk);
          },
          onResponseEnd() {
            whole = true;
            listenNoMore();
            request.onOver?.(true);
            answer?.end();
          },
          onResponseError(_, error) {
            end(upstreamFailure(error));
          },
        },
      );
    });
  }

  return { send, close: () => pool.destroy() };
}

const DECODERS = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress };

/** A proxy before Ollama may compress, though nobody has asked it to. */
function decoded(answer: UpstreamAnswer): UpstreamAnswer {
  const encoding = answer.headers['content-encoding'];
  if (typeof encoding !== 'string' || !Object.hasOwn(DECODERS, encoding)) return answer;
  const { 'content-encoding': _encoding, 'content-length': _length, ...headers } = answer.headers;
  const decoder = DECODERS[encoding as keyof typeof DECODERS]();
  // What fails is seen by who reads the decoder.
  return { ...answer, headers, body: bodyOf(pipeline(answer.body.stream(), decoder, () => {})) };
}

function upstreamFailure(error: Error): GatewayError {
  if (error instanceof GatewayError) return error;
  const kind = error instanceof errors.ConnectTimeoutError ? 'upstream_timeout' : 'upstream_unavailable';
  return new GatewayError(kind, { cause: error });
}
