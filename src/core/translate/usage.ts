/** `usage` as OpenAI and the guide have it. */
import { tokenCounts } from './chunk.js';
import type { NativeChunk } from './types.js';

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export interface OpenAIUsage extends Usage {
  prompt_tokens_details?: { cached_tokens: number };
}

/** The sum over the final chunks of an exchange's calls. */
export function usageOf(finals: NativeChunk[]): Usage {
  let prompt = 0;
  let completion = 0;
  for (const counts of finals.map(tokenCounts)) {
    prompt += counts.prompt;
    completion += counts.completion;
  }
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** With what was cached, where the server says so. */
export function openaiUsage(finals: NativeChunk[]): OpenAIUsage {
  const cached = finals.map((final) => tokenCounts(final).cached).filter((count) => count !== undefined);
  const usage = usageOf(finals);
  if (cached.length === 0) return usage;
  return {
    ...usage,
    prompt_tokens_details: { cached_tokens: cached.reduce((sum, count) => sum + count, 0) },
  };
}
