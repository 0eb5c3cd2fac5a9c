/** An upstream's whole answer in memory, which must be of a sane size. */
import type { Readable } from 'node:stream';
import { GatewayError } from '../errors.js';

/** Bytes: 2048 embeddings of 4096 numbers fit in, or a million tokens a line each. */
const MAX_ANSWER = 128 * 2 ** 20;

/**
 * Counts the pieces of one answer as they are kept.
 * @throws GatewayError upstream_error beyond `most` bytes
 */
export function answerSize(most = MAX_ANSWER): (piece: Buffer) => void {
  let size = 0;
  return ({ length }) => {
    size += length;
    if (size <= most) return;
    throw new GatewayError('upstream_error', {
      message: 'The model server sent an answer that is too long.',
    });
  };
}

/** @throws GatewayError upstream_error beyond `most` bytes; the stream is destroyed then */
export async function readAll(stream: Readable, most?: number): Promise<Buffer> {
  const count = answerSize(most);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    count(chunk as Buffer);
    chunks.push(chunk as Buffer);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
