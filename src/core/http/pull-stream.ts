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
  const first = pieces.next();
  const early = await (heartbeat ? orSilence(first, heartbeat.every) : first);
  let waiting: Promise<Result> | undefined = early ? undefined : first;
  let pulling = false;
  let ended = false;
  let beat: NodeJS.Timeout | undefined;

  function give(stream: Readable, { done, value }: Result): void {
    if (done) end(stream);
    else stream.push(value);
    beat?.refresh();
  }

  function end(stream: Readable): void {
    ended = true;
    clearInterval(beat);
    stream.push(null);
  }

  async function pull(stream: Readable): Promise<void> {
    pulling = true;
    try {
      const result = await (waiting ?? pieces.next());
      waiting = undefined;
      pulling = false;
      give(stream, result);
    } catch (error) {
      ended = true;
      const words = await onError(error);
      if (words !== '') stream.push(words);
      end(stream);
    }
  }

  const stream = new Readable({
    read() {
      if (!pulling) void pull(this);
    },
    destroy(error, callback) {
      clearInterval(beat);
      const left = ended ? Promise.resolve() : onLeave();
      left.then(
        () => callback(error),
        (failure: Error) => callback(failure),
      );
    },
  });
  if (heartbeat) {
    beat = setInterval(() => {
      // Only where somebody waits, and has read the last one.
      if (pulling && !ended && stream.readableLength === 0) stream.push(heartbeat.text);
    }, heartbeat.every);
  }
  if (early) give(stream, early);
  else stream.push(heartbeat!.text);
  return stream;
}

/** Undefined where the first piece is long in coming. */
async function orSilence(first: Promise<Result>, milliseconds: number): Promise<Result | undefined> {
  let alarm: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    alarm = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([first, silence]);
  } finally {
    clearTimeout(alarm);
  }
}
