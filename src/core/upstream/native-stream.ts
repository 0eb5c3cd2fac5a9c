/** The chunks of a native answer, as many at a time as came together; an error line is thrown. */
import { lineSplitter, parseChunk, streamError } from '../translate/index.js';
import type { NativeChunk } from '../translate/types.js';

export interface Received {
  chunk: NativeChunk;
  /** Its bytes as they came. */
  line: Buffer;
}

function receive(line: Buffer): Received {
  const chunk = parseChunk(line);
  if (chunk.error !== undefined) throw streamError(chunk);
  return { chunk, line };
}

/** @throws GatewayError upstream_error where a line is no JSON or says that the model failed */
export async function* nativeChunks(body: AsyncIterable<Buffer>): AsyncGenerator<Received[], void, void> {
  const lines = lineSplitter();
  for await (const bytes of body) {
    const received = lines.push(bytes).map(receive);
    if (received.length > 0) yield received;
  }
  const rest = lines.end();
  if (rest) yield [receive(rest)];
}
