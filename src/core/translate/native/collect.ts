/** Makes the whole answer of a stream, as Ollama itself does for `stream: false`. */
import { chunkText, chunkThinking, chunkToolCalls } from '../chunk.js';
import type { NativeChunk, NativeLogprob, NativeToolCall } from '../types.js';

export interface Collector {
  write(chunk: NativeChunk): void;
  /** The last chunk with everything the stream said. */
  value(): NativeChunk;
}

/**
 * @example
 * const collected = collector()
 * for (const line of lines) collected.write(parseChunk(line))
 * collected.value() // { model, created_at, message: { role, content }, done: true, ... }
 */
export function collector(): Collector {
  let text = '';
  let thinking = '';
  const calls: NativeToolCall[] = [];
  const logprobs: NativeLogprob[] = [];
  let last: NativeChunk = {};
  let chat = false;

  /** What is concatenated, absent where there is none. */
  const spoken = () => ({
    thinking: thinking === '' ? undefined : thinking,
    tool_calls: calls.length > 0 ? calls : undefined,
  });

  return {
    write(chunk) {
      last = chunk;
      chat ||= chunk.message !== undefined;
      text += chunkText(chunk);
      thinking += chunkThinking(chunk);
      for (const call of chunkToolCalls(chunk)) calls.push(call);
      if (Array.isArray(chunk.logprobs)) logprobs.push(...chunk.logprobs);
    },
    value() {
      const common = { ...last, logprobs: logprobs.length > 0 ? logprobs : undefined };
      if (chat) {
        const message = { role: 'assistant', ...last.message, content: text, ...spoken() };
        return { ...common, message };
      }
      // Embeddings have neither, and keep their one chunk as it is.
      if (last.response === undefined && text === '') return last;
      return { ...common, response: text, ...spoken() };
    },
  };
}
