/** Fields that several native requests share. */
import { badValue, type Fields, fields, isObject, missingField, wrongType } from '../validate.js';

/** A number of seconds, or a Go duration: `5m`, `-1s`, `1h30m`. */
const DURATION = /^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

const THINK_LEVELS = ['low', 'medium', 'high', 'max'];

/** Standard base64 with its padding. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The fields of a native request; `null` is an object without fields to Go. */
export const nativeFields = (body: unknown): Fields => fields(body ?? {});

/** As the client wrote it. */
export function readModel(body: Fields): string {
  const model = body.string('model');
  if (model === undefined || model.trim() === '') throw missingField('model', 'model is required');
  return model;
}

export function readKeepAlive(body: Fields): number | string | undefined {
  const value = body.get('keep_alive');
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value !== 'string')
    throw wrongType(body.at('keep_alive'), 'a number of seconds or a duration', value);
  if (!DURATION.test(value))
    throw badValue(body.at('keep_alive'), 'must be a number of seconds, or a duration like "5m".');
  return value;
}

export function readThink(body: Fields): boolean | string | undefined {
  const value = body.get('think');
  if (value === undefined || typeof value === 'boolean') return value;
  if (typeof value !== 'string') throw wrongType(body.at('think'), 'a boolean or a level', value);
  if (!THINK_LEVELS.includes(value)) {
    throw badValue(body.at('think'), 'must be "low", "medium", "high", "max", true, or false.');
  }
  return value;
}

/** `json`, a JSON schema, or nothing (`""` is nothing to Ollama). */
export function readFormat(body: Fields): unknown {
  const value = body.get('format');
  if (value === undefined || value === '') return undefined;
  if (value === 'json' || isObject(value)) return value;
  throw badValue(body.at('format'), 'expected "json" or a valid JSON Schema object.');
}

export function readTopLogprobs(body: Fields): number | undefined {
  const value = body.integer('top_logprobs');
  if (value !== undefined && (value < 0 || value > 20)) {
    throw badValue(body.at('top_logprobs'), 'top_logprobs must be between 0 and 20');
  }
  return value;
}

/** Base64 images (and audio, which Ollama takes in the same place). An empty list is none. */
export function readImages(from: Fields): string[] | undefined {
  const images = from.strings('images');
  if (images === undefined || images.length === 0) return undefined;
  images.forEach((image, i) => {
    // Go ignores line breaks.
    const digits = /[\r\n]/.test(image) ? image.replace(/[\r\n]/g, '') : image;
    if (digits.length % 4 !== 0 || !BASE64.test(digits)) {
      throw badValue(`${from.at('images')}[${i}]`, 'illegal base64 data.');
    }
  });
  return images;
}

export const byteLength = (text: string | undefined): number =>
  text === undefined ? 0 : Buffer.byteLength(text);

/** Bytes of a value that the model reads as JSON. */
export const jsonLength = (value: unknown): number =>
  value === undefined ? 0 : byteLength(JSON.stringify(value));
