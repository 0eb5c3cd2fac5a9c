/** `POST /openai/v1/chat/completions`: the request. */
import { MAX_WORDS } from '../bounds.js';
import type { ReadOptions } from '../native/common.js';
import { maxTokensOf, orNothing } from '../native/options.js';
import type { Exchange, NativeRequest } from '../types.js';
import {
  badValue,
  type Fields,
  fields,
  missingField,
  present,
  readBoolean,
  readInteger,
  readObject,
  readString,
  readStrings,
  readValue,
} from '../validate.js';
import { chatReply } from './chat-reply.js';
import { chatStream } from './chat-stream.js';
import { thinkOf } from './effort.js';
import { readExtensions } from './extensions.js';
import { readFormat } from './format.js';
import { completionId } from './ids.js';
import { readMessages } from './messages.js';
import {
  perChoice,
  readChoices,
  readMaxTokens,
  readModel,
  readSampling,
  readStreaming,
  refuseLogitBias,
} from './sampling.js';
import { readToolUse } from './tools.js';

function readEffort(body: Fields): boolean | string | undefined {
  const effort = readString(body, 'reasoning_effort') ?? readString(readObject(body, 'reasoning'), 'effort');
  return thinkOf(effort, 'reasoning_effort');
}

interface Logprobs {
  logprobs: boolean;
  top: number | undefined;
}

function readLogprobs(body: Fields): Logprobs {
  const logprobs = readBoolean(body, 'logprobs') ?? false;
  const top = readInteger(body, 'top_logprobs', { min: 0, max: 20 });
  if (top !== undefined && !logprobs)
    throw badValue('top_logprobs', 'is only allowed when logprobs is true.');
  return { logprobs, top };
}

function refuseAudio(body: Fields): void {
  if (readStrings(body, 'modalities', MAX_WORDS)?.some((modality) => modality !== 'text')) {
    throw badValue('modalities', 'only text can be generated.');
  }
  if (readValue(body, 'audio') !== undefined) throw badValue('audio', 'only text can be generated.');
}

function readConversation(body: Fields) {
  const messages = readMessages(body);
  if (messages === undefined) throw missingField('messages');
  if (messages.length === 0) throw badValue('messages', "[] is too short - 'messages'.");
  return messages;
}

/**
 * Reads an OpenAI chat completion request, with Ollama's own options as extra fields. Unknown fields are ignored;
 * what would be taken silently and not done is refused.
 *
 * @throws GatewayError 400 that names the field
 * @example
 * const exchange = readChatCompletion({ model: 'gpt-4', messages: [{ role: 'user', content: 'Hello!' }] })
 * exchange.calls[0].request // { model: 'gpt-4', messages: [...] }, for /api/chat
 */
export function readChatCompletion(body: unknown, given: ReadOptions = {}): Exchange {
  const from = fields(body);
  const model = readModel(from, given);
  const messages = readConversation(from);
  const { tools, single, legacy } = readToolUse(from);
  const { logprobs, top } = readLogprobs(from);
  const { stream, includeUsage } = readStreaming(from);
  const { options, think, keep_alive, truncate } = readExtensions(from);
  const maxTokens =
    readMaxTokens(from, 'max_completion_tokens') ?? readMaxTokens(from, 'max_tokens') ?? maxTokensOf(options);
  refuseLogitBias(from);
  refuseAudio(from);
  const request: NativeRequest = {
    model,
    messages,
    ...present({
      tools,
      format: readFormat(readObject(from, 'response_format'), (format) => readObject(format, 'json_schema')),
      options: orNothing({ ...options, ...readSampling(from, maxTokens) }),
      think: readEffort(from) ?? think,
      keep_alive,
      truncate,
      logprobs: logprobs || undefined,
      top_logprobs: top,
    }),
  };
  const reply = { id: completionId('chatcmpl'), includeUsage, logprobs, single, legacy };
  return {
    endpoint: '/api/chat',
    model,
    calls: perChoice(request, readChoices(from)).map((one) => ({ request: one })),
    stream,
    maxTokens,
    whole: (answers, context) => chatReply(answers, context, reply),
    encoder: (context) => chatStream(context, reply),
  };
}
