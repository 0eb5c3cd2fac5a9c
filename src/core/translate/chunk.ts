/** What a native chunk says, whichever endpoint it came from. */
import type { NativeChunk, NativeLogprob, NativeToolCall } from './types.js';
import { isObject } from './validate.js';

const textOr = (value: unknown): string => (typeof value === 'string' ? value : '');

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

/** A count as Ollama writes it; undefined where it has none, or something that is no count. */
export function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

/** The well-formed items of a list of logprobs. */
export function logprobsIn(list: unknown): NativeLogprob[] {
  if (!Array.isArray(list)) return [];
  return list.filter((item): item is NativeLogprob => isObject(item) && typeof item.token === 'string');
}

export interface TokenCounts {
  prompt: number;
  completion: number;
  /** How many of `prompt` were cached; undefined where the server does not say (before 0.34). */
  cached?: number;
}

/** Ollama leaves counts out that are zero. `prompt` includes what was cached. */
export function tokenCounts(chunk: NativeChunk): TokenCounts {
  const prompt = countOf(chunk.prompt_eval_count) ?? 0;
  const counts: TokenCounts = { prompt, completion: countOf(chunk.eval_count) ?? 0 };
  const cached = countOf(chunk.prompt_eval_cached_count);
  if (cached !== undefined) counts.cached = Math.min(cached, prompt);
  return counts;
}
