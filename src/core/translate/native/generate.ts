/** `POST /api/generate`. */
import type { Exchange, NativeRequest } from '../types.js';
import { type Fields, present, wrongType } from '../validate.js';
import {
  byteLength,
  nativeFields,
  readFormat,
  readImages,
  readKeepAlive,
  readModel,
  readThink,
  readTopLogprobs,
} from './common.js';
import { maxTokensOf, orNothing, readOptions } from './options.js';
import { relayStream, relayWhole } from './relay.js';

/** A token of `context` counts like this many bytes of text: the usual length of a token in English. */
const CONTEXT_TOKEN_BYTES = 4;

/** Deprecated: the tokens of a conversation so far. */
function readContext(from: Fields): unknown[] | undefined {
  const context = from.list('context');
  context?.forEach((token, i) => {
    if (!Number.isSafeInteger(token)) throw wrongType(`context[${i}]`, 'an integer', token);
  });
  return context;
}

/**
 * Reads a native generate request. Without a prompt it loads the model, or unloads it: see {@link readNativeChat}.
 * @throws GatewayError 400 that names the field
 */
export function readNativeGenerate(body: unknown): Exchange {
  const from = nativeFields(body);
  const model = readModel(from);
  const prompt = from.string('prompt') ?? '';
  const system = from.string('system');
  const template = from.string('template');
  const suffix = from.string('suffix');
  const context = readContext(from);
  const images = readImages(from);
  const options = readOptions(from.object('options'));
  const request: NativeRequest = {
    model,
    prompt,
    ...present({
      suffix,
      system,
      template,
      context,
      raw: from.boolean('raw'),
      format: readFormat(from),
      images,
      options: orNothing(options),
      think: readThink(from),
      keep_alive: readKeepAlive(from),
      truncate: from.boolean('truncate'),
      shift: from.boolean('shift'),
      logprobs: from.boolean('logprobs'),
      top_logprobs: readTopLogprobs(from),
    }),
  };
  const texts = [prompt, system, template, suffix];
  const stream = from.boolean('stream') ?? true;
  const load = prompt === '';
  return {
    endpoint: '/api/generate',
    model,
    calls: [
      {
        request,
        promptBytes:
          texts.reduce((sum, text) => sum + byteLength(text), 0) +
          (context?.length ?? 0) * CONTEXT_TOKEN_BYTES,
        parts: system === undefined ? 1 : 2,
        media: images?.length ?? 0,
      },
    ],
    stream: stream && !load,
    maxTokens: maxTokensOf(options),
    ...(load ? { load } : {}),
    whole: relayWhole,
    encoder: relayStream,
  };
}
