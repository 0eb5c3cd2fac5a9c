/** The chunks of a native answer, as many at a time as came together; an error line is thrown. */
import { lineSplitter, parseChunk, streamError, type UpstreamContext } from '../translate/index.js';
import type { NativeChunk } from '../translate/types.js';
import type { AnswerBody, Flow } from './answer-body.js';

export interface Received {
  chunk: NativeChunk;
  /** Its bytes as they came. */
  line: Buffer;
}

/** @returns whether it wants more; nothing comes while that is only promised */
export type Taker = (received: Received[]) => boolean | Promise<boolean>;

/** Bytes that may wait for the taker before the upstream is held back; less is not worth stopping it for. */
const ENOUGH = 64 * 1024;

/**
 * Resolves when the answer has ended, or no more of it is wanted; then its connection ends, too.
 *
 * The taker is called, not asked as an iterator would be: there is a chunk for each token, and a turn of the queue costs
 * as much as its translation.
 * @param context how an error line is put to the client
 * @throws GatewayError where a line is no JSON or says that the model failed, after all that came before it was taken;
 * and what the taker throws
 */
export function readNative(body: AnswerBody, context: UpstreamContext, take: Taker): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines = lineSplitter();
    let waiting: Received[] = [];
    let waitingBytes = 0;
    /** It is not known yet whether the taker wants more. */
    let promised = false;
    /** What ends it when all that waits was taken. */
    let end: { failure?: unknown } | undefined;
    let flow: Flow | undefined;
    let held = false;
    let settled = false;

    function receive(line: Buffer): void {
      const chunk = parseChunk(line);
      const error = streamError(chunk, context);
      if (error) throw error;
      waiting.push({ chunk, line });
      waitingBytes += line.length;
    }

    function read(bytes: Buffer): void {
      if (end) return;
      try {
        for (const line of lines.push(bytes)) receive(line);
      } catch (failure) {
        end = { failure };
      }
      onward();
    }

    function readEnd(reason?: Error): void {
      if (end) return;
      try {
        if (reason) throw reason;
        const rest = lines.end();
        if (rest) receive(rest);
        end = {};
      } catch (failure) {
        end = { failure };
      }
      onward();
    }

    function onward(): void {
      if (promised) hold(waitingBytes > ENOUGH);
      else handOver();
    }

    function handOver(): void {
      const received = waiting;
      waiting = [];
      waitingBytes = 0;
      try {
        const wanted = received.length === 0 || take(received);
        if (typeof wanted === 'boolean') {
          goOn(wanted);
          return;
        }
        promised = true;
        wanted.then(goOn, fail);
      } catch (failure) {
        fail(failure);
      }
    }

    function goOn(wanted: boolean): void {
      promised = false;
      if (!wanted) settle({});
      else if (waiting.length > 0) handOver();
      else {
        hold(false);
        if (end) settle(end);
      }
    }

    const fail = (failure: unknown) => settle({ failure });

    function hold(back: boolean): void {
      if (back === held) return;
      held = back;
      if (back) flow?.pause();
      else flow?.resume();
    }

    function settle(how: { failure?: unknown }): void {
      if (settled) return;
      settled = true;
      end = how;
      waiting = [];
      flow?.stop();
      if ('failure' in how) reject(how.failure);
      else resolve();
    }

    flow = body.read({ piece: read, end: readEnd });
    // It may have ended with what had come already.
    if (settled) flow.stop();
  });
}
