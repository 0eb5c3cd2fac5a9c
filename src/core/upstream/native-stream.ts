/** The chunks of a native answer, as many at a time as came together; an error line is thrown. */
import { lineSplitter, parseChunk, streamError, type UpstreamContext } from '../translate/index.js';
import type { NativeChunk } from '../translate/types.js';
import type { AnswerBody, Flow } from './answer-body.js';

export interface Received {
  chunk: NativeChunk;
  /** Its bytes as they came. */
  line: Buffer;
}

export interface NativeReader {
  /**
   * What has come since the last call, or comes next; undefined at the end. Nobody asks twice at once.
   * @throws GatewayError where a line is no JSON or says that the model failed: after all that came before it
   */
  next(): Promise<Received[] | undefined>;
  /** Reads no more. Where the answer has not ended, its connection does. */
  stop(): void;
}

/** Bytes that may wait for who reads before the upstream is held back; less is not worth stopping it for. */
const ENOUGH = 64 * 1024;

/**
 * Not `for await`, which takes several turns of the queue for each chunk: there is one for each token.
 * @param context how an error line is put to the client
 */
export function readNative(body: AnswerBody, context: UpstreamContext): NativeReader {
  const lines = lineSplitter();
  let waiting: Received[] = [];
  let waitingBytes = 0;
  let done = false;
  let failure: unknown;
  let wake: (() => void) | undefined;
  let flow: Flow | undefined;
  let held = false;

  function receive(line: Buffer): void {
    const chunk = parseChunk(line);
    const error = streamError(chunk, context);
    if (error) throw error;
    waiting.push({ chunk, line });
    waitingBytes += line.length;
  }

  function finish(error?: unknown): void {
    if (done) return;
    done = true;
    failure = error;
  }

  /** Takes what has come, and hands it over. */
  function take(work: () => void): void {
    if (done) return;
    try {
      work();
    } catch (error) {
      finish(error);
      flow?.stop();
    }
    wake?.();
    if (waitingBytes <= ENOUGH || held) return;
    held = true;
    flow?.pause();
  }

  flow = body.read({
    piece: (bytes) => take(() => lines.push(bytes).forEach(receive)),
    end: (reason) =>
      take(() => {
        if (reason) return finish(reason);
        const rest = lines.end();
        if (rest) receive(rest);
        finish();
      }),
  });
  // It may have failed on what had come already.
  if (failure !== undefined) flow.stop();

  return {
    async next() {
      while (waiting.length === 0 && !done) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
      if (waiting.length > 0) {
        const received = waiting;
        waiting = [];
        waitingBytes = 0;
        if (held) {
          held = false;
          flow.resume();
        }
        return received;
      }
      if (failure !== undefined) throw failure;
      return undefined;
    },
    stop() {
      finish();
      flow.stop();
    },
  };
}
