/** The end of a stream that Ollama has not ended itself, as it would have done. */
import type { NativeChunk, NativeEndpoint } from '../types.js';
import { present } from '../validate.js';

export interface FinalCounts {
  /** Tokens; zero is left out, as Ollama does. */
  promptTokens: number;
  completionTokens: number;
}

/**
 * A `done` chunk with its keys in Ollama's order. The durations that Ollama would add are
 * unknown here and left out, as it leaves out those that are zero.
 * @param model the name to show, the client's own
 * @param reason `length` where a limit has cut the answer
 */
export function lengthChunk(
  model: string,
  endpoint: NativeEndpoint,
  counts: FinalCounts,
  createdAt: Date,
  reason: 'length' | 'stop' = 'length',
): NativeChunk {
  const text = endpoint === '/api/chat' ? { message: { role: 'assistant', content: '' } } : { response: '' };
  return {
    model,
    created_at: createdAt.toISOString(),
    ...text,
    done: true,
    done_reason: reason,
    ...present({
      prompt_eval_count: counts.promptTokens || undefined,
      eval_count: counts.completionTokens || undefined,
    }),
  };
}
