/** Reads a request's body once, with a limit, and whatever the host app has already made of it. */
import { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { type Dialect, type GatewayRequest, MISREAD } from '../contract.js';
import { GatewayError } from '../errors.js';
import { MAX_DEPTH, nestsTooDeep } from '../translate/depth.js';
import { hasArrived } from './arrival.js';

const DECODERS: ReadonlyMap<string, () => NodeJS.ReadWriteStream> = new Map<
  string,
  () => NodeJS.ReadWriteStream
>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
  ['zstd', createZstdDecompress],
]);

const tooLarge = (limit: number) =>
  new GatewayError('too_large', {
    message: `The body is larger than the ${limit} bytes this server accepts.`,
  });

export interface BodyBounds {
  /** Bytes, counted after decompression. */
  limit: number;
  /** Seconds in which all of it has to arrive. */
  timeout: number;
}

/**
 * The body as bytes, or as the value a host's parser made of it.
 * @throws GatewayError too_large, request_timeout, bad_encoding, unsupported_encoding, client_gone
 */
export async function readBody(request: GatewayRequest, bounds: BodyBounds): Promise<unknown> {
  const { body, headers } = request;
  const { limit } = bounds;
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    if (Buffer.byteLength(body) > limit) throw tooLarge(limit);
    return body;
  }
  if (body === MISREAD) throw new GatewayError('misread_body');
  if (!(body instanceof Readable)) return body;
  // Who left while their key was looked up is heard of no more.
  if (body.destroyed && !body.readableEnded) throw new GatewayError('client_gone');
  // Known from the headers: refused before anything is read.
  if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge(limit);

  const encoding = String(headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase();
  if (encoding === '' || encoding === 'identity') return collect(body, bounds);
  const decoder = DECODERS.get(encoding);
  if (!decoder) {
    throw new GatewayError('unsupported_encoding', {
      message: 'This content encoding is not supported; send gzip, deflate, br, zstd or none.',
    });
  }
  return decode(body, decoder(), bounds);
}

async function decode(body: Readable, decoder: NodeJS.ReadWriteStream, bounds: BodyBounds): Promise<Buffer> {
  const stop = (error: Error) => (decoder as unknown as Readable).destroy(asDeparture(error));
  body.once('error', stop);
  body.pipe(decoder);
  try {
    return await collect(decoder as unknown as Readable, bounds);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('bad_encoding', { cause: error });
  } finally {
    body.off('error', stop);
    body.unpipe(decoder);
    (decoder as unknown as Readable).destroy();
  }
}

/**
 * Not `for await`: leaving such a loop destroys the stream, and with it the socket that the answer 413 has to go out
 * on to a client that is still sending.
 */
function collect(stream: Readable, { limit, timeout }: BodyBounds): Promise<Buffer> {
  // Somebody else has read it, and it says no more.
  if (stream.readableEnded) return Promise.resolve(Buffer.alloc(0));
  // Most bodies come with their headers: nothing has to be waited for.
  if (isHere(stream)) {
    const whole = stream.read() as Buffer;
    return whole.length > limit ? Promise.reject(tooLarge(limit)) : Promise.resolve(whole);
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const late = setTimeout(() => done(() => reject(new GatewayError('request_timeout'))), timeout * 1_000);
    const done = (settle: () => void) => {
      clearTimeout(late);
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      settle();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) done(() => reject(tooLarge(limit)));
      else chunks.push(chunk);
    };
    const onEnd = () => done(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    const onError = (error: Error) => done(() => reject(asDeparture(error)));
    const onClose = () => done(() => reject(new GatewayError('client_gone')));
    stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

/** A request that has come as a whole, of which nobody has read anything. */
function isHere(stream: Readable): boolean {
  return (
    stream instanceof IncomingMessage &&
    !stream.destroyed &&
    !stream.readableDidRead &&
    stream.readableLength > 0 &&
    hasArrived(stream)
  );
}

/** A connection that ends within a body, or breaks the rules of HTTP there, is the client's doing. */
function asDeparture(error: NodeJS.ErrnoException): Error {
  return error.code === 'ECONNRESET' ? new GatewayError('client_gone', { cause: error }) : error;
}

/** What the dialect calls a request without a body: Ollama's own words on its paths. */
const NO_BODY: Record<Dialect, string> = {
  ollama: 'missing request body',
  openai: 'The request has no body.',
};

/**
 * The body as JSON.
 * @throws GatewayError missing_body, invalid_json, invalid_value
 */
export function parseJson(body: unknown, dialect: Dialect): unknown {
  const value = parse(body, dialect);
  // What a host has parsed has no length any more.
  const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body.length : undefined;
  if (nestsTooDeep(value, bytes)) {
    throw new GatewayError('invalid_value', {
      message: `The body is nested more than ${MAX_DEPTH} levels deep.`,
    });
  }
  return value;
}

function parse(body: unknown, dialect: Dialect): unknown {
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) {
    if (body === undefined) throw new GatewayError('missing_body', { message: NO_BODY[dialect] });
    return body;
  }
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') throw new GatewayError('missing_body', { message: NO_BODY[dialect] });
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be parsed';
    throw new GatewayError('invalid_json', { message: `The body is not valid JSON: ${shorten(reason)}` });
  }
}

/** V8 quotes the text around the fault, which may be a secret; the token or its position is what helps. */
function shorten(reason: string): string {
  const position = /position \d+( \(line \d+ column \d+\))?/.exec(reason);
  if (position) return `unexpected token at ${position[0]}.`;
  const token = /^Unexpected token '(.)'/u.exec(reason);
  if (token) return `unexpected '${token[1]}'.`;
  return /end of JSON/.test(reason) ? 'it ends too early.' : 'it cannot be parsed.';
}
