/**
 * The body of an upstream's answer: taken piece by piece as it comes, or as a stream. A stream has a dozen features
 * that nobody needs who counts tokens, and costs several turns of the queue for each answer.
 */
import { Readable } from 'node:stream';
import { GatewayError } from '../errors.js';

/** Takes a body. */
export interface Reader {
  piece(bytes: Buffer): void;
  /** It has come to its end, or broken off: then with the reason. Called once, and nothing after it. */
  end(reason?: Error): void;
}

/** Of who takes a body over who sends it. */
export interface Flow {
  pause(): void;
  resume(): void;
  /** Takes no more: a body that has not come to its end is broken off. */
  stop(reason?: Error): void;
}

/** Taken once, by the one way or the other. */
export interface AnswerBody {
  /** What has come already is given at once. */
  read(reader: Reader): Flow;
  stream(): Readable;
}

/** A body that is being received. */
export interface Receiving extends AnswerBody, Reader {}

/** Bytes that wait for who will take them before the sender is held back. */
const EARLY = 64 * 1024;

export function receiving(flow: Flow): Receiving {
  let reader: Reader | undefined;
  let early: Buffer[] = [];
  let earlyBytes = 0;
  let held = false;
  let over: { reason?: Error } | undefined;

  const body: Receiving = {
    piece(bytes) {
      if (reader) return reader.piece(bytes);
      early.push(bytes);
      earlyBytes += bytes.length;
      if (earlyBytes <= EARLY || held) return;
      held = true;
      flow.pause();
    },
    end(reason) {
      if (over) return;
      over = { reason };
      reader?.end(reason);
    },
    read(taker) {
      for (const bytes of early) taker.piece(bytes);
      early = [];
      reader = taker;
      if (over) taker.end(over.reason);
      else if (held) flow.resume();
      return flow;
    },
    stream: () => streamOf(body),
  };
  return body;
}

function streamOf(body: AnswerBody): Readable {
  let whole = false;
  const stream = new Readable({
    read: () => flow?.resume(),
    destroy(reason, callback) {
      if (!whole) flow?.stop(reason ?? new Error('The answer was not read to its end.'));
      callback(reason);
    },
  });
  // What fails is seen by who reads the answer; nobody has to.
  stream.on('error', () => {});
  let flow: Flow | undefined;
  flow = body.read({
    piece(bytes) {
      if (!stream.push(bytes)) flow?.pause();
    },
    end(reason) {
      if (reason) return void stream.destroy(reason);
      whole = true;
      stream.push(null);
    },
  });
  return stream;
}

/** A stream as a body. */
export function bodyOf(stream: Readable): AnswerBody {
  return {
    stream: () => stream,
    read(reader) {
      let over = false;
      const end = (reason?: Error) => {
        if (!over) reader.end(reason);
        over = true;
      };
      stream
        .on('data', (bytes: Buffer) => reader.piece(bytes))
        .on('end', () => end())
        .on('error', end)
        .on('close', () => end(new GatewayError('upstream_unavailable')));
      return {
        pause: () => stream.pause(),
        resume: () => stream.resume(),
        stop: () => stream.destroy(),
      };
    },
  };
}
