/** `POST /openai/v1/responses`: the request. */
import { MAX_WORDS } from '../bounds.js';
import type { ReadOptions } from '../native/common.js';
import { maxTokensOf, orNothing } from '../native/options.js';
import type { Exchange, NativeRequest } from '../types.js';
import {
  badValue,
  type Fields,
  fields,
  type JsonObject,
  present,
  readBoolean,
  readInteger,
  readObject,
  readString,
  readStrings,
  readValue,
} from '../validate.js';
import { thinkOf } from './effort.js';
import { readExtensions } from './extensions.js';
import { readFormat } from './format.js';
import { itemId } from './ids.js';
import { readInput } from './responses-input.js';
import type { ResponseOptions } from './responses-object.js';
import { responseReply, responseStream } from './responses-reply.js';
import { readResponseTools, warningOf } from './responses-tools.js';
import { readMaxTokens, readModel, readSampling, readStreaming } from './sampling.js';

const TRUNCATIONS = ['auto', 'disabled'];

/** Fields that need a server with a memory. Forgetting what a client relies on would be worse than refusing it. */
function refuseState(body: Fields): void {
  for (const key of ['previous_response_id', 'conversation', 'prompt']) {
    if (readValue(body, key) !== undefined) {
      throw badValue(key, 'this server keeps no responses; send the whole conversation as input.');
    }
  }
  if (readBoolean(body, 'background')) throw badValue('background', 'is not supported by this server.');
}

function readTruncation(body: Fields): string {
  const truncation = readString(body, 'truncation') ?? 'disabled';
  if (!TRUNCATIONS.includes(truncation)) throw badValue('truncation', 'must be "auto" or "disabled".');
  return truncation;
}

/** OpenAI repeats these in its answers; what was not asked for is null, as Ollama's own values are not known here. */
function readEcho(body: Fields, truncation: string): JsonObject {
  const reasoning = readObject(body, 'reasoning');
  return {
    instructions: readValue(body, 'instructions') ?? null,
    max_output_tokens: readValue(body, 'max_output_tokens') ?? null,
    metadata: readValue(body, 'metadata') ?? {},
    parallel_tool_calls: readValue(body, 'parallel_tool_calls') ?? true,
    reasoning: {
      effort: readValue(reasoning, 'effort') ?? null,
      summary: readValue(reasoning, 'summary') ?? null,
    },
    temperature: readValue(body, 'temperature') ?? null,
    text: { format: readValue(readObject(body, 'text'), 'format') ?? { type: 'text' } },
    tool_choice: readValue(body, 'tool_choice') ?? 'auto',
    tools: readValue(body, 'tools') ?? [],
    top_logprobs: readValue(body, 'top_logprobs') ?? 0,
    top_p: readValue(body, 'top_p') ?? null,
    frequency_penalty: readValue(body, 'frequency_penalty') ?? 0,
    presence_penalty: readValue(body, 'presence_penalty') ?? 0,
    truncation,
    user: readValue(body, 'user') ?? null,
    safety_identifier: readValue(body, 'safety_identifier') ?? null,
    prompt_cache_key: readValue(body, 'prompt_cache_key') ?? null,
  };
}

/**
 * Reads a request for a response, with Ollama's own options as extra fields. The server has no memory: what would
 * need one is refused. A prompt that is too long is refused too, as OpenAI does, unless `truncation` is `auto`.
 *
 * @throws GatewayError 400 that names the field
 * @example
 * const exchange = readResponse({ model: 'gpt-4', instructions: 'Be short.', input: 'Hello!' })
 * exchange.calls[0].request.messages // [{ role: 'system', ... }, { role: 'user', content: 'Hello!' }]
 */
export function readResponse(body: unknown, given: ReadOptions = {}): Exchange {
  const from = fields(body);
  const model = readModel(from, given);
  refuseState(from);
  const messages = readInput(from);
  const { tools, single, custom, namespaces, leftOut } = readResponseTools(from);
  const { stream } = readStreaming(from);
  const include = readStrings(from, 'include', MAX_WORDS) ?? [];
  const logprobs = include.includes('message.output_text.logprobs');
  const top = readInteger(from, 'top_logprobs', { min: 0, max: 20 });
  const truncation = readTruncation(from);
  const { options, think, keep_alive, truncate = truncation === 'auto' } = readExtensions(from);
  const maxTokens = readMaxTokens(from, 'max_output_tokens') ?? maxTokensOf(options);
  const request: NativeRequest = {
    model,
    messages,
    ...present({
      tools,
      format: readFormat(readObject(readObject(from, 'text'), 'format'), (format) => format),
      options: orNothing({ ...options, ...readSampling(from, maxTokens) }),
      think: thinkOf(readString(readObject(from, 'reasoning'), 'effort'), 'reasoning.effort') ?? think,
      keep_alive,
      truncate,
      logprobs: logprobs || undefined,
      top_logprobs: logprobs ? top : undefined,
    }),
  };
  const reply: ResponseOptions = {
    id: itemId('resp'),
    logprobs,
    single,
    custom,
    namespaces,
    encrypted: include.includes('reasoning.encrypted_content'),
    echo: readEcho(from, truncation),
  };
  return {
    endpoint: '/api/chat',
    model,
    warning: warningOf(leftOut),
    calls: [{ request }],
    stream,
    maxTokens,
    whole: (answers, context) => responseReply(answers, context, reply),
    encoder: (context) => responseStream(context, reply),
  };
}
