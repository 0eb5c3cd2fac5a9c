/**
 * Counts what one request uses, on the native chunks and before any translation.
 *
 * Ollama gives the exact figures with a call's last chunk. Until then each chunk with text counts as a token: it is
 * never more than was generated, except for tool calls, which come whole and are counted by their bytes. A prompt that
 * Ollama has not counted is charged as expected, and before the first chunk as far as it can have been evaluated.
 */
import type { Charge } from '../store/port.js';
import { countOf } from '../translate/chunk.js';
import type { NativeCall, NativeChunk } from '../translate/types.js';
import type { Estimate } from './estimate.js';

export type Outcome = 'final' | 'estimated' | 'aborted' | 'failed';

export interface Meter {
  /** Ollama is asked for a call, which is the running one from now on. */
  begin(call: NativeCall): void;
  /** Notes a chunk of the running call. @returns output tokens so far, over all calls */
  count(chunk: NativeChunk): number;
  /**
   * A call ends because the limit does: no more than `most` output tokens reached the client, over all calls; what came
   * beyond was thrown away. @returns the call's figures
   */
  cut(call: NativeCall, most: number): { promptTokens: number; completionTokens: number };
  /** The running call is done: `chunk` carries Ollama's own figures. */
  finish(call: NativeCall, chunk: NativeChunk): void;
  /** What would have to be charged now. */
  charge(outcome: Outcome): Charge;
  /** Tokens that prompts take of the hold: as counted, as expected of the running call, as held of those to come. */
  prompts(): number;
  /** Whether every figure is Ollama's own. */
  exact(): boolean;
  /**
   * Output tokens so far, over all calls. No getter: V8 makes a shape of its own for each object literal that has one,
   * which keeps the request alive until the next full collection and slows down whoever uses it.
   */
  output(): number;
}

export interface MeterOptions {
  /** Tokens held for all prompts. */
  held: number;
  estimateOf(call: NativeCall): Estimate;
  /** What Ollama can have evaluated of a prompt in so many milliseconds. */
  evaluated(expected: number, elapsed: number): number;
  /** Learns from a call whose figures are Ollama's own. */
  observe(call: NativeCall, chunk: NativeChunk, promptTokens: number): void;
  now?: () => number;
}

/** A tool call's JSON has about three bytes to a token. */
const BYTES_PER_TOKEN = 3;

export function createMeter({
  held,
  estimateOf,
  evaluated,
  observe,
  now = () => performance.now(),
}: MeterOptions): Meter {
  const startedAt = now();
  let begun = 0;
  /** Of calls that are done. */
  let promptTokens = 0;
  let completionTokens = 0;
  /** Of the running call: its output, what its prompt is expected to have, since when it runs, whether it answers. */
  let running = 0;
  let expected = 0;
  let askedAt = startedAt;
  let answers = false;
  /** Held for the prompts of calls to come. */
  let waiting = held;
  let exact = true;

  function end(prompt: number, completion: number): void {
    promptTokens += prompt;
    completionTokens += completion;
    running = 0;
    expected = 0;
    answers = false;
  }

  return {
    output: () => completionTokens + running,
    exact: () => exact,
    prompts: () => promptTokens + expected + waiting,

    begin(call) {
      const estimate = estimateOf(call);
      begun += 1;
      waiting = Math.max(0, waiting - estimate.held);
      expected = estimate.expected;
      askedAt = now();
    },

    count(chunk) {
      answers = true;
      running += tokensOf(chunk);
      return completionTokens + running;
    },

    cut(call, most) {
      const figures = {
        promptTokens: expected,
        completionTokens: Math.max(0, Math.min(running, most - completionTokens)),
      };
      // A call that Ollama was not asked for any more.
      if (expected === 0) waiting = Math.max(0, waiting - estimateOf(call).held);
      end(figures.promptTokens, figures.completionTokens);
      exact = false;
      return figures;
    },

    finish(call, chunk) {
      // Some versions leave the count out where the prompt was in their cache.
      const prompt = countOf(chunk.prompt_eval_count);
      const completion = countOf(chunk.eval_count);
      if (prompt !== undefined) observe(call, chunk, prompt);
      if ((prompt === undefined && expected > 0) || (completion === undefined && running > 0)) exact = false;
      end(prompt ?? expected, completion ?? running);
    },

    charge(outcome) {
      const pending = answers || expected === 0 ? expected : evaluated(expected, now() - askedAt);
      return {
        requests: Math.max(1, begun),
        promptTokens: promptTokens + pending,
        completionTokens: completionTokens + running,
        errors: outcome === 'failed' ? 1 : 0,
        aborted: outcome === 'aborted' ? 1 : 0,
        latencyMs: Math.round(now() - startedAt),
      };
    },
  };
}

function tokensOf({ message, response, thinking, done }: NativeChunk): number {
  const calls = message?.tool_calls;
  let tokens = 0;
  if (calls) tokens += Math.ceil(JSON.stringify(calls).length / BYTES_PER_TOKEN);
  const text = message ? message.content || message.thinking : response || thinking;
  if (text) tokens += 1;
  // An empty chunk before the end was a token too, whose bytes wait for the next one to make a character.
  return tokens === 0 && !done ? 1 : tokens;
}
