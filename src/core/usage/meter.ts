/**
 * Counts what one request uses, on the native chunks and before any translation.
 *
 * Ollama gives the exact figures with a call's last chunk. Until then each chunk with text counts as a token: it is
 * never more than was generated, except for tool calls, which come whole and are counted by their bytes.
 */
import type { Charge } from '../store/port.js';
import { countOf } from '../translate/chunk.js';
import type { NativeCall, NativeChunk } from '../translate/types.js';

export type Outcome = 'final' | 'estimated' | 'aborted' | 'failed';

export interface Meter {
  /** Notes a chunk of the running call. @returns output tokens so far, over all calls */
  count(chunk: NativeChunk): number;
  /**
   * The running call ends because the limit does: no more than `granted` output tokens reached the client, over all
   * calls; what came beyond was thrown away. @returns the call's figures
   */
  cut(call: NativeCall, granted: number): { promptTokens: number; completionTokens: number };
  /** The running call is done: `chunk` carries Ollama's own figures. */
  finish(call: NativeCall, chunk: NativeChunk): void;
  /** What would have to be charged now. */
  charge(outcome: Outcome): Charge;
  /** Whether every figure is Ollama's own. */
  exact(): boolean;
  /**
   * Output tokens so far, over all calls. No getter: V8 makes a shape of its own for each object literal that has one,
   * which keeps the request alive until the next full collection and slows down whoever uses it.
   */
  output(): number;
}

export interface MeterOptions {
  /** Tokens estimated for all prompts, and for one call's. */
  estimated: number;
  estimateOf(call: NativeCall): number;
  /** Learns from a call whose figures are Ollama's own. */
  observe(call: NativeCall, promptTokens: number): void;
  now?: () => number;
}

/** A tool call's JSON has about three bytes to a token. */
const BYTES_PER_TOKEN = 3;

export function createMeter({
  estimated,
  estimateOf,
  observe,
  now = () => performance.now(),
}: MeterOptions): Meter {
  const startedAt = now();
  /** Of calls that are done. */
  let promptTokens = 0;
  let completionTokens = 0;
  /** Of the running call. */
  let running = 0;
  /** Prompt tokens of calls not done yet. */
  let pendingPrompt = estimated;
  let exact = true;

  function close(estimate: number, prompt: number, completion: number): void {
    pendingPrompt = Math.max(0, pendingPrompt - estimate);
    promptTokens += prompt;
    completionTokens += completion;
    running = 0;
  }

  return {
    output: () => completionTokens + running,

    count(chunk) {
      running += tokensOf(chunk);
      return completionTokens + running;
    },

    cut(call, granted) {
      const figures = {
        promptTokens: estimateOf(call),
        completionTokens: Math.max(0, Math.min(running, granted - completionTokens)),
      };
      close(figures.promptTokens, figures.promptTokens, figures.completionTokens);
      exact = false;
      return figures;
    },

    finish(call, chunk) {
      const estimate = estimateOf(call);
      // Some versions leave the count out where the prompt was in their cache.
      const prompt = countOf(chunk.prompt_eval_count);
      const completion = countOf(chunk.eval_count);
      const uncounted = prompt === undefined && call.promptBytes > 0 && !call.answer;
      if (prompt !== undefined) observe(call, prompt);
      if (uncounted || (completion === undefined && running > 0)) exact = false;
      close(estimate, prompt ?? (uncounted ? estimate : 0), completion ?? running);
    },

    charge(outcome) {
      return {
        requests: 1,
        promptTokens: promptTokens + (outcome === 'final' ? 0 : pendingPrompt),
        completionTokens: completionTokens + running,
        errors: outcome === 'failed' ? 1 : 0,
        aborted: outcome === 'aborted' ? 1 : 0,
        latencyMs: Math.round(now() - startedAt),
      };
    },

    exact: () => exact,
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
