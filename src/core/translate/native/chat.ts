/** `POST /api/chat`. */
import { MAX_MESSAGES } from '../bounds.js';
import type { Exchange, NativeRequest } from '../types.js';
import { present, readBoolean, readItems, readObject } from '../validate.js';
import {
  nativeFields,
  type ReadOptions,
  readFormat,
  readKeepAlive,
  readModel,
  readThink,
  readTopLogprobs,
} from './common.js';
import { readMessage } from './messages.js';
import { maxTokensOf, orNothing, readOptions } from './options.js';
import { relayStream, relayWhole } from './relay.js';
import { readTools } from './tools.js';

/**
 * Reads a native chat request. Without messages it loads the model, or unloads it (`load`); Ollama answers that with
 * one document, streamed or not, so that `stream` is false then. Otherwise an absent `stream` means streaming.
 *
 * @throws GatewayError 400 that names the field
 * @example
 * const exchange = readNativeChat({ model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] })
 * exchange.stream // true
 */
export function readNativeChat(body: unknown, given: ReadOptions = {}): Exchange {
  const from = nativeFields(body);
  const model = readModel(from, given);
  const messages = readItems(from, 'messages', MAX_MESSAGES, readMessage) ?? [];
  const tools = readTools(from);
  const options = readOptions(readObject(from, 'options'));
  const request: NativeRequest = {
    model,
    messages,
    ...present({
      tools,
      format: readFormat(from),
      options: orNothing(options),
      think: readThink(from),
      keep_alive: readKeepAlive(from),
      truncate: readBoolean(from, 'truncate'),
      shift: readBoolean(from, 'shift'),
      logprobs: readBoolean(from, 'logprobs'),
      top_logprobs: readTopLogprobs(from),
    }),
  };
  const stream = readBoolean(from, 'stream') ?? true;
  const load = messages.length === 0;
  return {
    endpoint: '/api/chat',
    model,
    calls: [{ request }],
    stream: stream && !load,
    maxTokens: maxTokensOf(options),
    ...(load ? { load } : {}),
    whole: relayWhole,
    encoder: relayStream,
  };
}
