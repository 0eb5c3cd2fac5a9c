/**
 * What a translator makes of a client's request, and how the native answers become the client's.
 *
 * Every inference route, whatever its dialect, is read into one {@link Exchange}: native calls to make, and two ways
 * to answer. The gateway forwards and meters exchanges and knows nothing of the dialects; a new dialect is a new
 * function that returns an Exchange.
 */
import type { GatewayError } from '../errors.js';

export type NativeEndpoint = '/api/chat' | '/api/generate' | '/api/embed' | '/api/embeddings';

/** The body of a native request, rebuilt from known keys. `model` is still the client's name. */
export interface NativeRequest {
  model: string;
  stream?: boolean;
  options?: Record<string, unknown>;
  keep_alive?: number | string;
  [key: string]: unknown;
}

/** One line of a native stream, or a whole native answer. Counts that are zero are absent. */
export interface NativeChunk {
  model?: string;
  created_at?: string;
  message?: NativeMessage;
  response?: string;
  thinking?: string;
  done?: boolean;
  done_reason?: string;
  prompt_eval_count?: number;
  prompt_eval_cached_count?: number;
  eval_count?: number;
  error?: unknown;
  logprobs?: NativeLogprob[];
  [key: string]: unknown;
}

export interface NativeMessage {
  role: string;
  content: string;
  thinking?: string;
  images?: string[];
  tool_calls?: NativeToolCall[];
  [key: string]: unknown;
}

export interface NativeToolCall {
  id?: string;
  function: { index?: number; name: string; arguments: unknown };
}

export interface NativeLogprob {
  token: string;
  logprob: number;
  bytes?: number[];
  top_logprobs?: { token: string; logprob: number; bytes?: number[] }[];
}

export interface NativeCall {
  request: NativeRequest;
  /** Where the answer is known without asking (an empty completion prompt): the upstream is not called. */
  answer?: NativeChunk;
}

/** One whole native answer. */
export interface NativeAnswer {
  value: NativeChunk;
  /** The upstream's own bytes, where it answered in one document. */
  bytes?: Buffer;
}

export interface ReplyContext {
  /** The client's name for the model: the only one that answers may carry. */
  model: string;
  /** The upstream was asked under another name. */
  renamed: boolean;
  /** Seconds since 1970. */
  created: number;
}

export interface StreamEncoder {
  /** Content type and any other header of the stream. */
  headers: Record<string, string>;
  /**
   * What the client gets for one native chunk of call `call`: '' for nothing.
   * `line` holds its bytes as they came, line feed included (absent where the gateway made the chunk itself).
   */
  write(call: number, chunk: NativeChunk, line?: Buffer): string | Buffer;
  /** After the last call's `done` chunk: `[DONE]` and the like. */
  end(): string;
  /** Instead of `end`: the dialect's way to say that the stream has failed. */
  fail(error: GatewayError): string;
  /** A comment that keeps the connection alive, where the dialect has one. */
  heartbeat?: string;
}

export interface Exchange {
  endpoint: NativeEndpoint;
  /** As the client wrote it. */
  model: string;
  /** Made one after the other; each is a generation, and counts as a request. */
  calls: NativeCall[];
  /** The client wants a stream. */
  stream: boolean;
  /** What the client allows each call to generate; undefined where it set no bound. */
  maxTokens?: number;
  /** For the answer's `warning` header: what of the request was left out. */
  warning?: string;
  /** Nothing is generated: the model is loaded, or unloaded (`keep_alive: 0`). */
  load?: boolean;
  /** The whole answer, as a value to send as JSON or as bytes to send as they are; one NativeAnswer per call. */
  whole(answers: NativeAnswer[], context: ReplyContext): unknown;
  encoder(context: ReplyContext): StreamEncoder;
}
