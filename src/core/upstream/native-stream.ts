/** The chunks of a native answer, as many at a time as came together; an error line is thrown. */
import { lineSplitter, parseChunk, streamError, type UpstreamContext } from '../translate/index.js';
import type { NativeChunk } from '../translate/types.js';

export interface Received {
  chunk: NativeChunk;
  /** Its bytes as they came. */
  line: Buffer;
}

/**
 * @param context how an error line is put to the client
 * @throws GatewayError where a line is no JSON or says that the model failed
 */
export async function* nativeChunks(
  body: AsyncIterable<Buffer>,
  context: UpstreamContext,
): AsyncGenerator<Received[], void, void> {
  const lines = lineSplitter();
  const receive = (line: Buffer): Received => {
    const chunk = parseChunk(line);
    const error = streamError(chunk, context);
    if (error) throw error;
    return { chunk, line };
  };

  for await (const bytes of body) {
    const received = lines.push(bytes).map(receive);
    if (received.length > 0) yield received;
  }
  const rest = lines.end();
  if (rest) yield [receive(rest)];
}
