/** `POST /api/embed` and its predecessor `POST /api/embeddings`. */
import { DIMENSIONS, MAX_NATIVE_INPUTS } from '../bounds.js';
import type { Exchange, NativeRequest } from '../types.js';
import {
  badValue,
  type Fields,
  present,
  readBoolean,
  readInteger,
  readObject,
  readString,
  readStrings,
  readValue,
  wrongType,
} from '../validate.js';
import { nativeFields, type ReadOptions, readKeepAlive, readModel } from './common.js';
import { orNothing, readOptions } from './options.js';
import { relayStream, relayWhole } from './relay.js';

/** A string or strings. Ollama answers nothing for none, and 500 where one of several is empty. */
function readInput(from: Fields): string | string[] | undefined {
  const input = readValue(from, 'input');
  if (input === undefined || typeof input === 'string') return input;
  if (!Array.isArray(input)) throw wrongType('input', 'a string or an array of strings', input);
  const texts = readStrings(from, 'input', MAX_NATIVE_INPUTS)!;
  const empty = texts.indexOf('');
  if (empty !== -1) throw badValue(`input[${empty}]`, 'must not be empty.');
  return texts;
}

function exchange(
  endpoint: '/api/embed' | '/api/embeddings',
  request: NativeRequest,
  texts: string[],
): Exchange {
  return {
    endpoint,
    model: request.model,
    calls: [{ request }],
    stream: false,
    ...(texts.length === 0 ? { load: true } : {}),
    whole: relayWhole,
    encoder: relayStream,
  };
}

/** @throws GatewayError 400 that names the field */
export function readNativeEmbed(body: unknown, options: ReadOptions = {}): Exchange {
  const from = nativeFields(body);
  const model = readModel(from, options);
  const input = readInput(from);
  const request: NativeRequest = {
    model,
    ...present({
      input,
      truncate: readBoolean(from, 'truncate'),
      dimensions: readInteger(from, 'dimensions', DIMENSIONS),
      keep_alive: readKeepAlive(from),
      options: orNothing(readOptions(readObject(from, 'options'))),
    }),
  };
  return exchange('/api/embed', request, (Array.isArray(input) ? input : [input ?? '']).filter(Boolean));
}

/** @throws GatewayError 400 that names the field */
export function readNativeEmbeddings(body: unknown, options: ReadOptions = {}): Exchange {
  const from = nativeFields(body);
  const model = readModel(from, options);
  const prompt = readString(from, 'prompt') ?? '';
  const request: NativeRequest = {
    model,
    prompt,
    ...present({
      keep_alive: readKeepAlive(from),
      options: orNothing(readOptions(readObject(from, 'options'))),
    }),
  };
  return exchange('/api/embeddings', request, [prompt].filter(Boolean));
}
