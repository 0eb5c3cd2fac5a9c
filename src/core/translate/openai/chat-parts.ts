/** The parts that whole and streamed chat completions are made of. */
import { chunkToolCalls, logprobsIn } from '../chunk.js';
import type { NativeChunk, NativeLogprob, NativeToolCall } from '../types.js';

/** What a request says about its answer. */
export interface ChatReplyOptions {
  id: string;
  includeUsage: boolean;
  logprobs: boolean;
  /** Only the first tool call is given. */
  single: boolean;
  /** It is given as `function_call`. */
  legacy: boolean;
}

export interface OpenAIToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

/** OpenAI wants the arguments as a string of JSON; an upstream that sends one has it passed on. */
function argumentString(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value ?? {});
  try {
    JSON.parse(value);
    return value;
  } catch {
    return JSON.stringify(value);
  }
}

const toolCall = (call: NativeToolCall, idOf: (given: unknown) => string): OpenAIToolCall => ({
  id: idOf(call.id),
  type: 'function',
  function: { name: call.function.name, arguments: argumentString(call.function.arguments) },
});

/**
 * A chunk's tool calls in OpenAI's shape, without those that the request does not want.
 * @param before how many this choice has had
 */
export function toolCalls(
  chunk: NativeChunk,
  { single }: Pick<ChatReplyOptions, 'single'>,
  idOf: (given: unknown) => string,
  before = 0,
): OpenAIToolCall[] {
  const calls = chunkToolCalls(chunk);
  const wanted = single ? calls.slice(0, Math.max(0, 1 - before)) : calls;
  return wanted.map((call) => toolCall(call, idOf));
}

/** Never null at the end: what Ollama says beside `length` (`load`, `unload`, nothing) is a stop to OpenAI. */
export function finishReason(chunk: NativeChunk, calls: number, { legacy }: ChatReplyOptions): string {
  if (chunk.done_reason === 'length') return 'length';
  if (calls === 0) return 'stop';
  return legacy ? 'function_call' : 'tool_calls';
}

/** One token's, with all that OpenAI's types have. */
export const logprob = ({ token, logprob: value, bytes, top_logprobs }: NativeLogprob) => ({
  token,
  logprob: value,
  bytes: bytes ?? null,
  top_logprobs: logprobsIn(top_logprobs).map((top) => ({
    token: top.token,
    logprob: top.logprob,
    bytes: top.bytes ?? null,
  })),
});

/** `choices[].logprobs`: null where the request asked for none. */
export function chatLogprobs(chunk: NativeChunk, { logprobs }: Pick<ChatReplyOptions, 'logprobs'>) {
  if (!logprobs) return null;
  return { content: logprobsIn(chunk.logprobs).map(logprob), refusal: null };
}
