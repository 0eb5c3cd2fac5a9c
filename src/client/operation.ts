import type { Credentials } from './credentials.js';
import type { Dialect } from './dialects.js';
import { ParallamaError } from './errors.js';
import { readJson } from './transport.js';

/** An operation that answers whole, or with `stream: true` as an async iterator. */
export interface Operation<Request, Reply, Chunk> {
  (request: Request & { stream: true }): Promise<AsyncIterable<Chunk>>;
  (request: Request & { stream?: false }): Promise<Reply>;
}

export function createOperation<Request extends { signal?: AbortSignal; stream?: boolean }, Reply, Chunk>(
  dialect: Dialect,
  path: string,
  send: Credentials['send'],
): Operation<Request, Reply, Chunk> {
  function call(request: Request & { stream: true }): Promise<AsyncIterable<Chunk>>;
  function call(request: Request & { stream?: false }): Promise<Reply>;
  async function call({ signal, ...request }: Request): Promise<AsyncIterable<Chunk> | Reply> {
    const response = await send({ method: 'POST', path, body: dialect.body(request), signal });
    if (!request.stream) return readJson<Reply>(response, signal);
    if (!response.body) throw new ParallamaError('The answer is empty.', { code: 'invalid_answer' });
    return dialect.readStream<Chunk>(response.body, signal);
  }
  return call;
}
