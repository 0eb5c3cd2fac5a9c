/** `POST /openai/v1/chat/completions`: the request. */
import { messageSize } from '../native/messages.js';
import { orNothing } from '../native/options.js';
import type { Exchange, NativeRequest } from '../types.js';
import { badValue, type Fields, fields, isObject, missingField, present, wrongType } from '../validate.js';
import { chatReply } from './chat-reply.js';
import { chatStream } from './chat-stream.js';
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

/** Levels that Ollama has; the others are the nearest one. */
const THINK: Record<string, boolean | string> = {
  none: false,
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  max: 'max',
  xhigh: 'max',
  ultra: 'max',
};

function readThink(body: Fields): boolean | string | undefined {
  const reasoning = body.object('reasoning');
  const effort = body.string('reasoning_effort') ?? reasoning?.string('effort');
  if (effort === undefined) return undefined;
  if (!Object.hasOwn(THINK, effort)) {
    throw badValue('reasoning_effort', `must be one of ${Object.keys(THINK).join(', ')}.`);
  }
  return THINK[effort];
}

function readFormat(body: Fields): unknown {
  const format = body.object('response_format');
  if (format === undefined) return undefined;
  const type = format.string('type');
  if (type === undefined) throw missingField('response_format.type');
  if (type === 'text') return undefined;
  if (type === 'json_object') return 'json';
  if (type !== 'json_schema')
    throw badValue('response_format.type', 'must be text, json_object or json_schema.');
  const schema = format.object('json_schema')?.get('schema');
  if (schema === undefined) throw missingField('response_format.json_schema.schema');
  if (!isObject(schema)) throw wrongType('response_format.json_schema.schema', 'an object', schema);
  return schema;
}

interface Logprobs {
  logprobs: boolean;
  top: number | undefined;
}

function readLogprobs(body: Fields): Logprobs {
  const logprobs = body.boolean('logprobs') ?? false;
  const top = body.integer('top_logprobs', { min: 0, max: 20 });
  if (top !== undefined && !logprobs)
    throw badValue('top_logprobs', 'is only allowed when logprobs is true.');
  return { logprobs, top };
}

function refuseAudio(body: Fields): void {
  if (body.strings('modalities')?.some((modality) => modality !== 'text')) {
    throw badValue('modalities', 'only text can be generated.');
  }
  if (body.get('audio') !== undefined) throw badValue('audio', 'only text can be generated.');
}

function readConversation(body: Fields) {
  const messages = body.items('messages');
  if (messages === undefined) throw missingField('messages');
  if (messages.length === 0) throw badValue('messages', "[] is too short - 'messages'.");
  return readMessages(messages);
}

/**
 * Reads an OpenAI chat completion request. Unknown fields are ignored; what would be taken silently and not done is
 * refused.
 *
 * @throws GatewayError 400 that names the field
 * @example
 * const exchange = readChatCompletion({ model: 'gpt-4', messages: [{ role: 'user', content: 'Hello!' }] })
 * exchange.calls[0].request // { model: 'gpt-4', messages: [...] }, for /api/chat
 */
export function readChatCompletion(body: unknown): Exchange {
  const from = fields(body);
  const model = readModel(from);
  const messages = readConversation(from);
  const { tools, single, legacy } = readToolUse(from);
  const { logprobs, top } = readLogprobs(from);
  const { stream, includeUsage } = readStreaming(from);
  const maxTokens = readMaxTokens(from, 'max_completion_tokens') ?? readMaxTokens(from, 'max_tokens');
  refuseLogitBias(from);
  refuseAudio(from);
  const request: NativeRequest = {
    model,
    messages,
    ...present({
      tools,
      format: readFormat(from),
      options: orNothing(readSampling(from, maxTokens)),
      think: readThink(from),
      logprobs: logprobs || undefined,
      top_logprobs: top,
    }),
  };
  const size = messageSize(messages, tools);
  const reply = { id: completionId('chatcmpl'), includeUsage, logprobs, single, legacy };
  return {
    endpoint: '/api/chat',
    model,
    calls: perChoice(request, readChoices(from)).map((one) => ({ request: one, ...size })),
    stream,
    maxTokens,
    whole: (answers, context) => chatReply(answers, context, reply),
    encoder: (context) => chatStream(context, reply),
  };
}
