/** Streams of the two dialects as async iterators. Leaving the loop, or aborting, closes the connection. */
import { errorOfBody, ParallamaError } from './errors.js';

type Body = ReadableStream<Uint8Array>;

/** The guide's streams: one JSON value a line, the last one with `done: true`. */
export async function* readNdjson<Chunk>(body: Body, signal?: AbortSignal): AsyncGenerator<Chunk, void> {
  for await (const line of lines(body, signal)) {
    if (line === '') continue;
    const chunk = parse<Chunk>(line);
    yield chunk;
    if (isLast(chunk)) return;
  }
  throw truncated();
}

/** OpenAI's streams: server-sent events, the last one `[DONE]`. */
export async function* readSse<Chunk>(body: Body, signal?: AbortSignal): AsyncGenerator<Chunk, void> {
  let data: string[] = [];
  for await (const line of lines(body, signal)) {
    if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
    if (line !== '' || data.length === 0) continue;
    const event = data.join('\n');
    if (event === '[DONE]') return;
    yield parse<Chunk>(event);
    data = [];
  }
  throw truncated();
}

async function* lines(body: Body, signal?: AbortSignal): AsyncGenerator<string, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const parts = (rest + decoder.decode(value, { stream: !done })).split('\n');
      rest = done ? '' : (parts.pop() ?? '');
      for (const part of parts) yield part.endsWith('\r') ? part.slice(0, -1) : part;
      if (done) return;
    }
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ParallamaError('The connection broke during the answer.', { code: 'connection_error', cause });
  } finally {
    // The consumer may have left in the middle: the server stops generating when the connection closes.
    await reader.cancel().catch(() => undefined);
  }
}

function parse<Chunk>(json: string): Chunk {
  let chunk: Chunk;
  try {
    chunk = JSON.parse(json);
  } catch (cause) {
    throw new ParallamaError('The server sent an event that is not JSON.', { code: 'invalid_answer', cause });
  }
  const error = errorOfBody(chunk);
  if (error) throw error;
  return chunk;
}

const isLast = (chunk: unknown) =>
  typeof chunk === 'object' && chunk !== null && 'done' in chunk && chunk.done === true;

// A stream that just stops looks like a short answer; only its end mark tells that it is whole.
const truncated = () =>
  new ParallamaError('The stream ended before the answer was complete.', { code: 'stream_truncated' });
