/** What chat completions and completions have in common beside the text. */

import { MAX_CHOICES, MAX_STOPS, OUTPUT_TOKENS, SEED } from '../bounds.js';
import { namedModel, type ReadOptions } from '../native/common.js';
import type { NativeRequest } from '../types.js';
import {
  badValue,
  type Fields,
  missingField,
  present,
  readBoolean,
  readInteger,
  readNumber,
  readObject,
  readStrings,
  readValue,
  wrongType,
} from '../validate.js';

export function readModel(body: Fields, { defaultModel }: ReadOptions): string {
  const model = namedModel(body, 'model') ?? defaultModel;
  if (model === undefined) throw missingField('model');
  return model;
}

function readStop(body: Fields): string[] | undefined {
  const stop = readValue(body, 'stop');
  const stops = typeof stop === 'string' ? [stop] : readStrings(body, 'stop', MAX_STOPS);
  if (stops === undefined) return undefined;
  // An empty string is in every text; clients send it for none.
  const filled = stops.filter((text) => text !== '');
  return filled.length === 0 ? undefined : filled;
}

/** Ollama's options for the sampling that the client asks for; what it leaves out is left to the Modelfile. */
export function readSampling(body: Fields, maxTokens: number | undefined): Record<string, unknown> {
  return present({
    temperature: readNumber(body, 'temperature', { min: 0, max: 2 }),
    top_p: readNumber(body, 'top_p', { min: 0, max: 1 }),
    frequency_penalty: readNumber(body, 'frequency_penalty', { min: -2, max: 2 }),
    presence_penalty: readNumber(body, 'presence_penalty', { min: -2, max: 2 }),
    seed: readInteger(body, 'seed', SEED),
    stop: readStop(body),
    num_predict: maxTokens,
  });
}

/** -1 is no bound. 0 and less mean that to Ollama, and can never be passed on. */
export function readMaxTokens(body: Fields, key: string): number | undefined {
  return readValue(body, key) === -1 ? undefined : readInteger(body, key, OUTPUT_TOKENS);
}

export function readChoices(body: Fields): number {
  return readInteger(body, 'n', { min: 1, max: MAX_CHOICES }) ?? 1;
}

/** The same request once per choice; with a seed, each choice has its own, or all would be equal. */
export function perChoice(request: NativeRequest, choices: number): NativeRequest[] {
  if (choices === 1) return [request];
  const seed = request.options?.seed;
  return Array.from({ length: choices }, (_, i) =>
    typeof seed === 'number' && i > 0
      ? { ...request, options: { ...request.options, seed: seed + i } }
      : request,
  );
}

export interface Streaming {
  stream: boolean;
  includeUsage: boolean;
}

export function readStreaming(body: Fields): Streaming {
  const stream = readBoolean(body, 'stream') ?? false;
  const options = readObject(body, 'stream_options');
  if (options !== undefined && !stream)
    throw badValue('stream_options', 'is only allowed when stream is true.');
  return { stream, includeUsage: readBoolean(options, 'include_usage') ?? false };
}

/** Ollama has no way to bias tokens: better refused than forgotten. */
export function refuseLogitBias(body: Fields): void {
  const bias = readValue(body, 'logit_bias');
  if (bias === undefined) return;
  if (typeof bias !== 'object' || Array.isArray(bias)) throw wrongType('logit_bias', 'an object', bias);
  if (bias !== null && Object.keys(bias).length > 0)
    throw badValue('logit_bias', 'is not supported by this server.');
}
