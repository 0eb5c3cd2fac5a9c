/** Talks to Ollama. Every failure is a GatewayError, and none of them names where Ollama is. */
import type { EventEmitter } from 'node:events';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type Dispatcher, errors, Pool } from 'undici';
import { GatewayError } from '../errors.js';

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
  body: Readable;
}

export interface UpstreamRequest {
  method: Dispatcher.HttpMethod;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer | Readable;
  /** Where a model is to work for it: Ollama's name. */
  model?: string;
  signal?: AbortSignal;
  /** Instead of a signal: says 'abort'. */
  abort?: EventEmitter;
}

export interface Upstream {
  /**
   * Resolves with the answer's headers, whatever the status.
   * @throws GatewayError upstream_unavailable, upstream_timeout, or client_gone where the signal was aborted
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  close(): Promise<void>;
}

export function createUpstream({ origin, connectTimeout, firstByteTimeout }: UpstreamOptions): Upstream {
  const pool = new Pool(origin, {
    connect: { timeout: connectTimeout * 1_000 },
    headersTimeout: firstByteTimeout * 1_000,
    // Between two chunks a model may evaluate a long prompt or a tool call; the client's own patience is the limit.
    bodyTimeout: 0,
    connections: null,
    pipelining: 1,
    keepAliveTimeout: 30_000,
  });

  return {
    async send({ method, path, headers, body, signal, abort }) {
      try {
        const answer = await pool.request({ method, path, headers, body, signal: signal ?? abort });
        return decoded({ status: answer.statusCode, headers: answer.headers, body: answer.body });
      } catch (error) {
        throw upstreamFailure(error, signal);
      }
    },
    close: () => pool.destroy(),
  };
}

const DECODERS = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress };

/** A proxy before Ollama may compress, though nobody has asked it to. */
function decoded(answer: UpstreamAnswer): UpstreamAnswer {
  const encoding = answer.headers['content-encoding'];
  if (typeof encoding !== 'string' || !Object.hasOwn(DECODERS, encoding)) return answer;
  const { 'content-encoding': _encoding, 'content-length': _length, ...headers } = answer.headers;
  const decoder = DECODERS[encoding as keyof typeof DECODERS]();
  // What fails is seen by who reads the decoder.
  return { ...answer, headers, body: pipeline(answer.body, decoder, () => {}) };
}

function upstreamFailure(error: unknown, signal?: AbortSignal): GatewayError {
  const aborted = signal?.aborted || error instanceof errors.RequestAbortedError;
  if (aborted) return new GatewayError('client_gone', { cause: error });
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.ConnectTimeoutError) {
    return new GatewayError('upstream_timeout', { cause: error });
  }
  return new GatewayError('upstream_unavailable', { cause: error });
}
