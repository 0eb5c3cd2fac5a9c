/**
 * A Readable that work under way is given into, from its first piece on. Who gives waits while the client is slow to
 * read, and so holds the upstream back; a client that leaves is told to the work at once, even while it waits for its
 * next piece.
 */
import { Readable } from 'node:stream';

export interface Heartbeat {
  /** What is sent where there is nothing to say: nobody may take it for content. */
  text: string;
  /** Milliseconds of silence. */
  every: number;
}

export interface PushOptions {
  /** Absent where the client would choke on it. */
  heartbeat?: Heartbeat;
  /** The work threw: the last words to send, '' for none. */
  onError(error: unknown): Promise<string>;
  /** The stream was destroyed before its end. */
  onLeave(): Promise<void>;
}

/** A promise where the reader is slow: it resolves when there is room for more. */
export type Give = (piece: string | Buffer) => Promise<void> | undefined;

/**
 * Resolves when there is something to send, a heartbeat included. Until then what the work throws is thrown here; from
 * then on it goes to `onError`.
 */
export function pushStream(
  work: (give: Give) => Promise<void>,
  { heartbeat, onError, onLeave }: PushOptions,
): Promise<Readable> {
  return new Promise((resolve, reject) => {
    let begun = false;
    let ended = false;
    let makeRoom: (() => void) | undefined;

    const stream = new Readable({
      read: goOn,
      destroy(error, callback) {
        clearInterval(beat);
        const left = ended ? Promise.resolve() : onLeave();
        goOn();
        left.then(
          () => callback(error),
          (failure: Error) => callback(failure),
        );
      },
    });

    function goOn(): void {
      makeRoom?.();
      makeRoom = undefined;
    }

    function begin(): void {
      if (!begun) resolve(stream);
      begun = true;
    }

    function give(piece: string | Buffer): Promise<void> | undefined {
      begin();
      beat?.refresh();
      if (stream.push(piece) || stream.destroyed) return undefined;
      return new Promise((room) => {
        makeRoom = room;
      });
    }

    function end(words: string): void {
      ended = true;
      clearInterval(beat);
      begin();
      if (words !== '') stream.push(words);
      stream.push(null);
    }

    async function fail(error: unknown): Promise<void> {
      if (begun) end(await onError(error));
      else reject(error);
    }

    const beat =
      heartbeat &&
      setInterval(() => {
        // Only where the client has read the last one.
        if (stream.readableLength > 0) return;
        begin();
        stream.push(heartbeat.text);
      }, heartbeat.every);

    work(give)
      .then(() => end(''), fail)
      .catch((error: Error) => stream.destroy(error))
      .finally(() => clearInterval(beat));
  });
}
