/** `POST /openai/v1/chat/completions`: the whole answer. */
import { chunkText, chunkThinking } from '../chunk.js';
import type { NativeAnswer, ReplyContext } from '../types.js';
import { openaiUsage } from '../usage.js';
import { present } from '../validate.js';
import { type ChatReplyOptions, chatLogprobs, finishReason, toolCalls } from './chat-parts.js';
import { callIds } from './ids.js';

/** The name under which Ollama's own OpenAI layer goes. */
export const FINGERPRINT = 'fp_ollama';

export function chatReply(answers: NativeAnswer[], context: ReplyContext, options: ChatReplyOptions) {
  const idOf = callIds();
  return {
    id: options.id,
    object: 'chat.completion',
    created: context.created,
    model: context.model,
    system_fingerprint: FINGERPRINT,
    choices: answers.map((answer, index) => choice(answer, index, options, idOf)),
    usage: openaiUsage(answers.map(({ value }) => value)),
  };
}

function choice(
  { value }: NativeAnswer,
  index: number,
  options: ChatReplyOptions,
  idOf: (given: unknown) => string,
) {
  const text = chunkText(value);
  const reasoning = chunkThinking(value) || undefined;
  const calls = toolCalls(value, options, idOf);
  return {
    index,
    message: {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      refusal: null,
      // Some clients read the one name, some the other.
      ...present({ reasoning, reasoning_content: reasoning }),
      ...(calls.length === 0
        ? {}
        : options.legacy
          ? { function_call: calls[0]?.function }
          : { tool_calls: calls }),
    },
    logprobs: chatLogprobs(value, options),
    finish_reason: finishReason(value, calls.length, options),
  };
}
