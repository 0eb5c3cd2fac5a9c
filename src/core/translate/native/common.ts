/** Fields that several native requests share. */
import { KEEP_ALIVE, MAX_DURATION, MAX_IMAGES, MAX_MODEL_NAME } from '../bounds.js';
import {
  badValue,
  type Fields,
  fields,
  INT32,
  isObject,
  missingField,
  pathOf,
  readInteger,
  readNumber,
  readString,
  readStrings,
  readValue,
  wrongType,
} from '../validate.js';

/** A number of seconds, or a Go duration: `5m`, `-1s`, `1h30m`. */
const DURATION = /^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

const THINK_LEVELS = ['low', 'medium', 'high', 'max'];

/** Standard base64 with its padding. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The fields of a native request; `null` is an object without fields to Go. */
export const nativeFields = (body: unknown): Fields => fields(body ?? {});

/** What a reader is told beside the request. */
export interface ReadOptions {
  /** The model of requests that name none. */
  defaultModel?: string;
}

/** As the client wrote it. */
export function readModel(body: Fields, { defaultModel }: ReadOptions): string {
  const model = namedModel(body, 'model') ?? defaultModel;
  if (model === undefined) throw missingField('model', 'model is required');
  return model;
}

/** A name that says something; blank is none. */
export function namedModel(body: Fields, key: string): string | undefined {
  const name = readModelName(body, key);
  return name === undefined || name.trim() === '' ? undefined : name;
}

/** Whatever looks at a name does so more than once: none is long. */
function readModelName(body: Fields, key: string): string | undefined {
  const name = readString(body, key);
  if (name === undefined || name.length <= MAX_MODEL_NAME) return name;
  throw badValue(pathOf(body, key), `must have at most ${MAX_MODEL_NAME} characters.`);
}

export function readKeepAlive(body: Fields): number | string | undefined {
  const value = readValue(body, 'keep_alive');
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return readNumber(body, 'keep_alive', KEEP_ALIVE);
  if (typeof value !== 'string')
    throw wrongType(pathOf(body, 'keep_alive'), 'a number of seconds or a duration', value);
  if (value.length > MAX_DURATION || !DURATION.test(value))
    throw badValue(pathOf(body, 'keep_alive'), 'must be a number of seconds, or a duration like "5m".');
  return value;
}

export function readThink(body: Fields): boolean | string | undefined {
  const value = readValue(body, 'think');
  if (value === undefined || typeof value === 'boolean') return value;
  if (typeof value !== 'string') throw wrongType(pathOf(body, 'think'), 'a boolean or a level', value);
  if (!THINK_LEVELS.includes(value)) {
    throw badValue(pathOf(body, 'think'), 'must be "low", "medium", "high", "max", true, or false.');
  }
  return value;
}

/** `json`, a JSON schema, or nothing (`""` is nothing to Ollama). */
export function readFormat(body: Fields): unknown {
  const value = readValue(body, 'format');
  if (value === undefined || value === '') return undefined;
  if (value === 'json' || isObject(value)) return value;
  throw badValue(pathOf(body, 'format'), 'expected "json" or a valid JSON Schema object.');
}

export function readTopLogprobs(body: Fields): number | undefined {
  const value = readInteger(body, 'top_logprobs', INT32);
  if (value !== undefined && (value < 0 || value > 20)) {
    throw badValue(pathOf(body, 'top_logprobs'), 'top_logprobs must be between 0 and 20');
  }
  return value;
}

/** Base64 images (and audio, which Ollama takes in the same place). An empty list is none. */
export function readImages(from: Fields): string[] | undefined {
  const images = readStrings(from, 'images', MAX_IMAGES);
  if (images === undefined || images.length === 0) return undefined;
  images.forEach((image, i) => {
    // Go ignores line breaks.
    const digits = /[\r\n]/.test(image) ? image.replace(/[\r\n]/g, '') : image;
    if (digits.length % 4 !== 0 || !BASE64.test(digits)) {
      throw badValue(`${pathOf(from, 'images')}[${i}]`, 'illegal base64 data.');
    }
  });
  return images;
}

/** What OpenAI takes for a prompt of token ids, as its first element tells. */
export const isTokens = (first: unknown): boolean => typeof first === 'number' || Array.isArray(first);
