/**
 * A Readable over a generator that has already given its first piece. Pulled, so that a slow client holds the
 * generator (and with it the upstream) back; and a client that leaves is told to it at once, even while the generator
 * waits for its next piece.
 */
import { Readable } from 'node:stream';

export interface PullHandlers {
  /** The generator threw: the last words to send, '' for none. */
  onError(error: unknown): Promise<string>;
  /** The stream was destroyed before its end. */
  onLeave(): Promise<void>;
}

type Piece = string | Buffer;

export function pullStream(
  pieces: AsyncGenerator<Piece, void, void>,
  first: IteratorResult<Piece, void>,
  { onError, onLeave }: PullHandlers,
): Readable {
  let next: IteratorResult<Piece, void> | undefined = first;
  let ended = false;

  async function pull(stream: Readable): Promise<void> {
    try {
      const piece = next ?? (await pieces.next());
      next = undefined;
      ended = piece.done ?? false;
      stream.push(piece.done ? null : piece.value);
    } catch (error) {
      ended = true;
      const words = await onError(error);
      if (words !== '') stream.push(words);
      stream.push(null);
    }
  }

  return new Readable({
    read() {
      void pull(this);
    },
    destroy(error, callback) {
      const left = ended ? Promise.resolve() : onLeave();
      left.then(
        () => callback(error),
        (failure: Error) => callback(failure),
      );
    },
  });
}
