/** What a native chunk says, whichever endpoint it came from. */
import type { NativeChunk, NativeToolCall } from './types.js';
import { isObject } from './validate.js';

const textOr = (value: unknown): string => (typeof value === 'string' ? value : '');
const countOr = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);

/** Some builds end with `done_reason` and never say `done` (ollama-vscode#61). */
export function isDone(chunk: NativeChunk): boolean {
  return chunk.done === true || textOr(chunk.done_reason) !== '';
}

export function chunkText(chunk: NativeChunk): string {
  return textOr(chunk.message ? chunk.message.content : chunk.response);
}

export function chunkThinking(chunk: NativeChunk): string {
  return textOr(chunk.message ? chunk.message.thinking : chunk.thinking);
}

export function chunkToolCalls(chunk: NativeChunk): NativeToolCall[] {
  const calls: unknown = chunk.message ? chunk.message.tool_calls : chunk.tool_calls;
  if (!Array.isArray(calls)) return [];
  return calls.filter((call): call is NativeToolCall => isObject(call) && isObject(call.function));
}

export interface TokenCounts {
  prompt: number;
  completion: number;
  /** How many of `prompt` were cached; undefined where the server does not say (before 0.34). */
  cached?: number;
}

/** Ollama leaves counts out that are zero. `prompt` includes what was cached. */
export function tokenCounts(chunk: NativeChunk): TokenCounts {
  const prompt = countOr(chunk.prompt_eval_count);
  const counts: TokenCounts = { prompt, completion: countOr(chunk.eval_count) };
  if (typeof chunk.prompt_eval_cached_count === 'number') {
    counts.cached = Math.min(countOr(chunk.prompt_eval_cached_count), prompt);
  }
  return counts;
}
