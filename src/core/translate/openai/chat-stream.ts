/** `POST /openai/v1/chat/completions`: the stream. */
import { openaiError } from '../../errors.js';
import { chunkText, chunkThinking, isDone } from '../chunk.js';
import { SSE_DONE, SSE_HEADERS, SSE_HEARTBEAT, sseEvent } from '../sse.js';
import type { NativeChunk, ReplyContext, StreamEncoder } from '../types.js';
import { openaiUsage } from '../usage.js';
import {
  type ChatReplyOptions,
  chatLogprobs,
  finishReason,
  type OpenAIToolCall,
  toolCalls,
} from './chat-parts.js';
import { FINGERPRINT } from './chat-reply.js';
import { callIds } from './ids.js';

interface Choice {
  /** Tool calls so far: the next one's index. */
  calls: number;
}

/**
 * The sequence of chunks that OpenAI sends: the role once, reasoning and content, tool calls whole and numbered
 * densely, a finish chunk for each choice; then the usage where it was asked for, and `[DONE]`.
 */
export function chatStream(context: ReplyContext, options: ChatReplyOptions): StreamEncoder {
  const common = {
    id: options.id,
    object: 'chat.completion.chunk',
    created: context.created,
    model: context.model,
    system_fingerprint: FINGERPRINT,
  };
  // All events differ in their choice only, and there is one for each token.
  const head = `data: ${JSON.stringify(common).slice(0, -1)},"choices":[`;
  const tail = options.includeUsage ? '],"usage":null}\n\n' : ']}\n\n';
  const choices = new Map<number, Choice>();
  const finals: NativeChunk[] = [];
  const idOf = callIds();

  function event(
    index: number,
    delta: object,
    logprobs: object | null = null,
    reason: string | null = null,
  ): string {
    return head + JSON.stringify({ index, delta, logprobs, finish_reason: reason }) + tail;
  }

  function calls(index: number, choice: Choice, chunk: NativeChunk): string {
    const wanted = toolCalls(chunk, options, idOf, choice.calls);
    const delta = (call: OpenAIToolCall, i: number) =>
      options.legacy
        ? { function_call: call.function }
        : { tool_calls: [{ index: choice.calls + i, ...call }] };
    const events = wanted.map((call, i) => event(index, delta(call, i)));
    choice.calls += wanted.length;
    return events.join('');
  }

  return {
    headers: SSE_HEADERS,
    heartbeat: SSE_HEARTBEAT,

    write(index, chunk) {
      let out = '';
      let choice = choices.get(index);
      if (choice === undefined) {
        choice = { calls: 0 };
        choices.set(index, choice);
        out = event(index, { role: 'assistant', content: '', refusal: null });
      }
      const text = chunkText(chunk);
      const thinking = chunkThinking(chunk);
      const logprobs = chunk.logprobs?.length ? chatLogprobs(chunk, options) : null;
      if (thinking !== '') {
        out += event(
          index,
          { reasoning: thinking, reasoning_content: thinking },
          text === '' ? logprobs : null,
        );
      }
      // Logprobs may come with no text, and belong to the answer all the same.
      if (text !== '' || (logprobs !== null && thinking === ''))
        out += event(index, { content: text }, logprobs);
      out += calls(index, choice, chunk);
      if (isDone(chunk)) {
        finals.push(chunk);
        out += event(index, {}, null, finishReason(chunk, choice.calls, options));
      }
      return out;
    },

    end() {
      const usage = options.includeUsage
        ? sseEvent({ ...common, choices: [], usage: openaiUsage(finals) })
        : '';
      return usage + SSE_DONE;
    },

    // Without `[DONE]`, so that nobody takes the text for complete.
    fail: (error) => sseEvent({ error: openaiError(error) }),
  };
}
