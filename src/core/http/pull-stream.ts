/**
 * A Readable over a generator that has given its first piece, or has been silent for long. Pulled, so that a slow
 * client holds the generator (and with it the upstream) back; and a client that leaves is told to it at once, even
 * while the generator waits for its next piece.
 */
import { Readable } from 'node:stream';

export interface Heartbeat {
  /** What is sent where there is nothing to say: nobody may take it for content. */
  text: string;
  /** Milliseconds of silence. */
  every: number;
}

export interface PullOptions {
  /** Absent where the client would choke on it. */
  heartbeat?: Heartbeat;
  /** The generator threw: the last words to send, '' for none. */
  onError(error: unknown): Promise<string>;
  /** The stream was destroyed before its end. */
  onLeave(): Promise<void>;
}

type Piece = string | Buffer;
type Result = IteratorResult<Piece, void>;

/**
 * Resolves when there is something to send, a heartbeat included. Until then what the generator throws is thrown here;
 * from then on it goes to `onError`.
 */
export async function pullStream(
  pieces: AsyncGenerator<Piece, void, void>,
  { heartbeat, onError, onLeave }: PullOptions,
): Promise<Readable> {
  let ended = false;
  let waiting: Promise<Result> | undefined;
  let alarm: NodeJS.Timeout | undefined;

  /** The next piece; undefined where it is long in coming, and is still to come. */
  async function next(): Promise<Result | undefined> {
    waiting ??= pieces.next();
    const result = await (heartbeat ? Promise.race([waiting, silence(heartbeat.every)]) : waiting);
    if (result) waiting = undefined;
    return result;
  }

  async function silence(every: number): Promise<undefined> {
    await new Promise((resolve) => {
      clearTimeout(alarm);
      alarm = setTimeout(resolve, every);
    });
  }

  function give(stream: Readable, result: Result | undefined): void {
    ended = result?.done ?? false;
    if (result) stream.push(result.done ? null : result.value);
    else stream.push(heartbeat!.text);
  }

  async function pull(stream: Readable): Promise<void> {
    try {
      give(stream, await next());
    } catch (error) {
      ended = true;
      const words = await onError(error);
      if (words !== '') stream.push(words);
      stream.push(null);
    } finally {
      clearTimeout(alarm);
    }
  }

  let first: Result | undefined;
  try {
    first = await next();
  } finally {
    clearTimeout(alarm);
  }
  const stream = new Readable({
    read() {
      void pull(this);
    },
    destroy(error, callback) {
      clearTimeout(alarm);
      const left = ended ? Promise.resolve() : onLeave();
      left.then(
        () => callback(error),
        (failure: Error) => callback(failure),
      );
    },
  });
  give(stream, first);
  return stream;
}
