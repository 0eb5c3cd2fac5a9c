/** The order of keys that Ollama writes: a whole answer that was put together of a stream looks like one of its own. */
import type { NativeChunk } from '../types.js';

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

export function inOllamasOrder(value: NativeChunk): NativeChunk {
  if (value.message === undefined) return ordered(value, GENERATE_KEYS);
  return ordered({ ...value, message: ordered(value.message, MESSAGE_KEYS) }, CHAT_KEYS);
}
