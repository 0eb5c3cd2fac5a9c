/** `POST /api/generate`. */
import { MAX_CONTEXT } from '../bounds.js';
import type { Exchange, NativeRequest } from '../types.js';
import {
  type Fields,
  INT32,
  present,
  readBoolean,
  readList,
  readObject,
  readString,
  wrongType,
} from '../validate.js';
import {
  nativeFields,
  type ReadOptions,
  readFormat,
  readImages,
  readKeepAlive,
  readModel,
  readThink,
  readTopLogprobs,
} from './common.js';
import { maxTokensOf, orNothing, readOptions } from './options.js';
import { relayStream, relayWhole } from './relay.js';

const isToken = (value: unknown) => Number.isSafeInteger(value) && Math.abs(value as number) <= INT32.max;

/** Deprecated: the tokens of a conversation so far. */
function readContext(from: Fields): unknown[] | undefined {
  const context = readList(from, 'context', MAX_CONTEXT);
  const wrong = context?.findIndex((token) => !isToken(token)) ?? -1;
  if (wrong !== -1) throw wrongType(`context[${wrong}]`, 'an integer', context?.[wrong]);
  return context;
}

/**
 * Reads a native generate request. Without a prompt it loads the model, or unloads it: see {@link readNativeChat}.
 * @throws GatewayError 400 that names the field
 */
export function readNativeGenerate(body: unknown, given: ReadOptions = {}): Exchange {
  const from = nativeFields(body);
  const model = readModel(from, given);
  const prompt = readString(from, 'prompt') ?? '';
  const system = readString(from, 'system');
  const template = readString(from, 'template');
  const suffix = readString(from, 'suffix');
  const context = readContext(from);
  const images = readImages(from);
  const options = readOptions(readObject(from, 'options'));
  const request: NativeRequest = {
    model,
    prompt,
    ...present({
      suffix,
      system,
      template,
      context,
      raw: readBoolean(from, 'raw'),
      format: readFormat(from),
      images,
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
  const load = prompt === '';
  return {
    endpoint: '/api/generate',
    model,
    calls: [{ request }],
    stream: stream && !load,
    maxTokens: maxTokensOf(options),
    ...(load ? { load } : {}),
    whole: relayWhole,
    encoder: relayStream,
  };
}
