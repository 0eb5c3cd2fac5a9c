/** Makes the whole answer of a stream, as Ollama itself does for `stream: false`. */
import { chunkText, chunkThinking, chunkToolCalls } from '../chunk.js';
import type { NativeChunk, NativeLogprob, NativeToolCall } from '../types.js';

export interface Collector {
  write(chunk: NativeChunk): void;
  /** The last chunk with everything the stream said, in the order of keys that Ollama has. */
  value(): NativeChunk;
}

const METRICS = [
  'total_duration',
  'load_duration',
  'prompt_eval_count',
  'prompt_eval_cached_count',
  'prompt_eval_duration',
  'eval_count',
  'eval_duration',
];

// The order of the fields in Ollama's ChatResponse, GenerateResponse and Message.
const HEAD = ['model', 'remote_model', 'remote_host', 'created_at'];
const CHAT_KEYS = [...HEAD, 'message', 'done', 'done_reason', 'logprobs', ...METRICS];
const GENERATE_KEYS = [
  ...HEAD,
  'response',
  'thinking',
  'done',
  'done_reason',
  'context',
  ...METRICS,
  'tool_calls',
  'logprobs',
];
const MESSAGE_KEYS = ['role', 'content', 'thinking', 'images', 'tool_calls', 'tool_name', 'tool_call_id'];

/** Known keys in their order, then the others; without those that have no value. */
function ordered<T extends object>(value: T, keys: string[]): T {
  const own = Object.entries(value).filter(([, item]) => item !== undefined);
  const known = keys.filter((key) => value[key as keyof T] !== undefined);
  return Object.fromEntries([
    ...known.map((key) => [key, value[key as keyof T]] as const),
    ...own.filter(([key]) => !keys.includes(key)),
  ]) as T;
}

/**
 * @example
 * const collected = collector()
 * for (const line of lines) collected.write(parseChunk(line))
 * collected.value() // { model, created_at, message: { role, content }, done: true, ... }
 */
export function collector(): Collector {
  const text: string[] = [];
  const thinking: string[] = [];
  const calls: NativeToolCall[] = [];
  const logprobs: NativeLogprob[] = [];
  let last: NativeChunk = {};
  let chat = false;

  /** What is concatenated, absent where there is none. */
  const spoken = () => ({
    thinking: thinking.length > 0 ? thinking.join('') : undefined,
    tool_calls: calls.length > 0 ? calls : undefined,
  });

  return {
    write(chunk) {
      last = chunk;
      chat ||= chunk.message !== undefined;
      text.push(chunkText(chunk));
      const thought = chunkThinking(chunk);
      if (thought !== '') thinking.push(thought);
      calls.push(...chunkToolCalls(chunk));
      if (Array.isArray(chunk.logprobs)) logprobs.push(...chunk.logprobs);
    },
    value() {
      const common = { ...last, logprobs: logprobs.length > 0 ? logprobs : undefined };
      if (chat) {
        const message = { role: 'assistant', ...last.message, content: text.join(''), ...spoken() };
        return ordered({ ...common, message: ordered(message, MESSAGE_KEYS) }, CHAT_KEYS);
      }
      // Embeddings have neither, and keep their one chunk as it is.
      if (last.response === undefined && text.join('') === '') return last;
      return ordered({ ...common, response: text.join(''), ...spoken() }, GENERATE_KEYS);
    },
  };
}
