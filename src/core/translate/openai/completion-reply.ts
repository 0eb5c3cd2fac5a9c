/** `POST /openai/v1/completions`: the answer, whole and streamed. */
import { openaiError } from '../../errors.js';
import { chunkText, isDone, logprobsIn } from '../chunk.js';
import { SSE_DONE, SSE_HEADERS, SSE_HEARTBEAT, sseEvent } from '../sse.js';
import type { NativeAnswer, NativeChunk, ReplyContext, StreamEncoder } from '../types.js';
import { openaiUsage } from '../usage.js';
import { FINGERPRINT } from './chat-reply.js';

export interface CompletionReplyOptions {
  id: string;
  includeUsage: boolean;
  /** How many alternatives to show; undefined for no logprobs at all. */
  logprobs: number | undefined;
  /** The prompts to repeat before each choice's text; empty for none. */
  echoes: string[];
}

interface CompletionLogprobs {
  tokens: string[];
  token_logprobs: number[];
  top_logprobs: Record<string, number>[] | null;
  text_offset: number[];
}

/** OpenAI's old shape of logprobs. `offset` is where this text begins in the choice's text, in characters. */
function completionLogprobs(
  chunk: NativeChunk,
  { logprobs }: CompletionReplyOptions,
  offset: number,
): CompletionLogprobs | null {
  if (logprobs === undefined) return null;
  const items = logprobsIn(chunk.logprobs);
  let at = offset;
  return {
    tokens: items.map(({ token }) => token),
    token_logprobs: items.map(({ logprob }) => logprob),
    top_logprobs:
      logprobs === 0
        ? null
        : items.map(({ top_logprobs }) =>
            Object.fromEntries(logprobsIn(top_logprobs).map((top) => [top.token, top.logprob])),
          ),
    text_offset: items.map(({ token }) => {
      at += token.length;
      return at - token.length;
    }),
  };
}

const finishReason = (chunk: NativeChunk): string => (chunk.done_reason === 'length' ? 'length' : 'stop');

const common = (context: ReplyContext, { id }: CompletionReplyOptions) => ({
  id,
  object: 'text_completion',
  created: context.created,
  model: context.model,
  system_fingerprint: FINGERPRINT,
});

export function completionReply(
  answers: NativeAnswer[],
  context: ReplyContext,
  options: CompletionReplyOptions,
) {
  return {
    ...common(context, options),
    choices: answers.map(({ value }, index) => ({
      text: (options.echoes[index] ?? '') + chunkText(value),
      index,
      logprobs: completionLogprobs(value, options, 0),
      finish_reason: finishReason(value),
    })),
    usage: openaiUsage(answers.map(({ value }) => value)),
  };
}

/** The chunks that OpenAI sends: texts, and a last one with the finish reason for each choice. */
export function completionStream(context: ReplyContext, options: CompletionReplyOptions): StreamEncoder {
  const head = `data: ${JSON.stringify(common(context, options)).slice(0, -1)},"choices":[`;
  const tail = options.includeUsage ? '],"usage":null}\n\n' : ']}\n\n';
  /** Characters sent, by choice. */
  const sent = new Map<number, number>();
  const finals: NativeChunk[] = [];

  function event(index: number, text: string, logprobs: object | null, reason: string | null): string {
    return head + JSON.stringify({ text, index, logprobs, finish_reason: reason }) + tail;
  }

  return {
    headers: SSE_HEADERS,
    heartbeat: SSE_HEARTBEAT,

    write(index, chunk) {
      let out = '';
      let offset = sent.get(index);
      if (offset === undefined) {
        offset = 0;
        const echo = options.echoes[index] ?? '';
        if (echo !== '') out = event(index, echo, null, null);
      }
      const text = chunkText(chunk);
      const logprobs = chunk.logprobs?.length ? completionLogprobs(chunk, options, offset) : null;
      if (text !== '' || logprobs !== null) out += event(index, text, logprobs, null);
      sent.set(index, offset + text.length);
      if (isDone(chunk)) {
        finals.push(chunk);
        out += event(index, '', null, finishReason(chunk));
      }
      return out;
    },

    end() {
      const usage = options.includeUsage
        ? sseEvent({ ...common(context, options), choices: [], usage: openaiUsage(finals) })
        : '';
      return usage + SSE_DONE;
    },

    fail: (error) => sseEvent({ error: openaiError(error) }),
  };
}
