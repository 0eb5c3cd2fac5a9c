/** `POST /ollama/v1/chat`, the guide's own shape. */
import { MAX_MESSAGES } from '../bounds.js';
import { chunkText, chunkThinking, chunkToolCalls } from '../chunk.js';
import { type ReadOptions, readFormat, readKeepAlive, readModel, readThink } from '../native/common.js';
import { readMessage } from '../native/messages.js';
import { maxTokensOf, orNothing } from '../native/options.js';
import { readTools } from '../native/tools.js';
import type { Exchange, NativeChunk, NativeRequest } from '../types.js';
import { usageOf } from '../usage.js';
import { fields, type JsonObject, present, readBoolean, readItems } from '../validate.js';
import { needed, readParameters } from './common.js';
import { guideStream } from './stream.js';

const SILENCE = { messages: [{ role: 'assistant', content: '' }] };

/** The guide's message; `thinking` and `tool_calls` are Ollama's, where there are any. */
function message(chunk: NativeChunk): JsonObject {
  const calls = chunkToolCalls(chunk);
  return {
    role: 'assistant',
    content: chunkText(chunk),
    ...present({
      thinking: chunkThinking(chunk) || undefined,
      tool_calls: calls.length > 0 ? calls : undefined,
    }),
  };
}

function spoken(chunk: NativeChunk): JsonObject | undefined {
  const said = message(chunk);
  return said.content === '' && Object.keys(said).length === 2 ? undefined : { messages: [said] };
}

/**
 * Reads `{ model?, messages, parameters? }`; `tools`, `format`, `think` and `keep_alive` as in Ollama.
 * The answer is `{ messages: [message], usage }`, whole unless `stream` is true.
 * @throws GatewayError 400 that names the field
 */
export function readGuideChat(body: unknown, options: ReadOptions = {}): Exchange {
  const from = fields(body);
  const model = readModel(from, options);
  const messages = needed(from, 'messages', readItems(from, 'messages', MAX_MESSAGES, readMessage));
  const tools = readTools(from);
  const parameters = readParameters(from);
  const request: NativeRequest = {
    model,
    messages,
    ...present({
      tools,
      format: readFormat(from),
      options: orNothing(parameters),
      think: readThink(from),
      keep_alive: readKeepAlive(from),
    }),
  };
  return {
    endpoint: '/api/chat',
    model,
    calls: [{ request }],
    stream: readBoolean(from, 'stream') ?? false,
    maxTokens: maxTokensOf(parameters),
    whole([answer]) {
      const value = answer?.value ?? {};
      return { messages: [message(value)], usage: usageOf([value]) };
    },
    encoder: () => guideStream(spoken, SILENCE),
  };
}
