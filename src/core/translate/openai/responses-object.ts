/** The objects of `POST /openai/v1/responses`: the response itself, and the items of its output. */
import { tokenCounts } from '../chunk.js';
import type { NativeChunk, ReplyContext } from '../types.js';
import { isObject, type JsonObject } from '../validate.js';
import type { logprob, OpenAIToolCall } from './chat-parts.js';

/** What a request says about its answer. */
export interface ResponseOptions {
  id: string;
  logprobs: boolean;
  /** Only the first tool call is given. */
  single: boolean;
  /** Names of tools whose calls carry a free text. */
  custom: ReadonlySet<string>;
  /** The namespace of each tool that has one. */
  namespaces: ReadonlyMap<string, string>;
  /** Reasoning is given once more as `encrypted_content`, for clients that replay nothing else. */
  encrypted: boolean;
  /** Fields that the answer repeats from the request. */
  echo: JsonObject;
}

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export interface OutputText {
  type: 'output_text';
  text: string;
  annotations: [];
  logprobs: ReturnType<typeof logprob>[];
}

export interface SummaryText {
  type: 'summary_text';
  text: string;
}

export interface MessageItem {
  id: string;
  type: 'message';
  status: ItemStatus;
  role: 'assistant';
  content: OutputText[];
}

export interface ReasoningItem {
  id: string;
  type: 'reasoning';
  summary: SummaryText[];
  encrypted_content?: string;
}

export interface CallItem {
  id: string;
  type: 'function_call';
  status: ItemStatus;
  call_id: string;
  name: string;
  arguments: string;
  namespace?: string;
}

export interface CustomCallItem {
  id: string;
  type: 'custom_tool_call';
  status: ItemStatus;
  call_id: string;
  name: string;
  input: string;
}

export type OutputItem = MessageItem | ReasoningItem | CallItem | CustomCallItem;

export const outputText = (text: string, logprobs: OutputText['logprobs']): OutputText => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs,
});

export const messageItem = (id: string, status: ItemStatus, content: OutputText[]): MessageItem => ({
  id,
  type: 'message',
  status,
  role: 'assistant',
  content,
});

export const reasoningItem = (
  id: string,
  summary: SummaryText[],
  { encrypted }: ResponseOptions,
): ReasoningItem => ({
  id,
  type: 'reasoning',
  summary,
  ...(encrypted ? { encrypted_content: summary.map(({ text }) => text).join('') } : {}),
});

export const customCallItem = (
  id: string,
  status: ItemStatus,
  call: OpenAIToolCall,
  input: string,
): CustomCallItem => ({
  id,
  type: 'custom_tool_call',
  status,
  call_id: call.id,
  name: call.function.name,
  input,
});

/** The free text in the arguments of a call. */
export function inputOf(args: string): string {
  const value: unknown = JSON.parse(args);
  return isObject(value) && typeof value.input === 'string' ? value.input : args;
}

export const callItem = (
  id: string,
  status: ItemStatus,
  call: OpenAIToolCall,
  args: string,
  namespace?: string,
): CallItem => ({
  id,
  type: 'function_call',
  status,
  call_id: call.id,
  name: call.function.name,
  arguments: args,
  ...(namespace === undefined ? {} : { namespace }),
});

/** Ollama counts the tokens of reasoning with all others. */
export function responseUsage(final: NativeChunk) {
  const { prompt, completion, cached = 0 } = tokenCounts(final);
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: prompt + completion,
  };
}

export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete' | 'failed';

export interface ResponseState {
  status: ResponseStatus;
  output: OutputItem[];
  error?: { code: string; message: string };
  /** The last native chunk. */
  final?: NativeChunk;
}

/** The end, by Ollama's clock as far as it is one; never before the beginning. */
function completedAt({ status, final }: ResponseState, created: number): number | null {
  if (status !== 'completed') return null;
  const ended = Date.parse(final?.created_at ?? '') / 1_000;
  return Number.isNaN(ended) ? created : Math.max(created, Math.floor(ended));
}

/** The whole object, with every field that OpenAI's has. Nothing is kept, so that `store` is false. */
export function responseObject(state: ResponseState, context: ReplyContext, options: ResponseOptions) {
  const { status, output, error = null, final } = state;
  return {
    id: options.id,
    object: 'response',
    created_at: context.created,
    completed_at: completedAt(state, context.created),
    status,
    background: false,
    error,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    model: context.model,
    output,
    previous_response_id: null,
    ...options.echo,
    max_tool_calls: null,
    service_tier: 'default',
    store: false,
    usage: final ? responseUsage(final) : null,
  };
}
