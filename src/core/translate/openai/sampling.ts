/** What chat completions and completions have in common beside the text. */

import type { NativeRequest } from '../types.js';
import { badValue, type Fields, missingField, present, wrongType } from '../validate.js';

/** Choices of one request: each is a generation of its own. */
const MAX_CHOICES = 8;
const MAX_STOPS = 4;

export function readModel(body: Fields): string {
  const model = body.string('model');
  if (model === undefined || model.trim() === '') throw missingField('model');
  return model;
}

function readStop(body: Fields): string[] | undefined {
  const stop = body.get('stop');
  const stops = typeof stop === 'string' ? [stop] : body.strings('stop');
  if (stops === undefined || stops.length === 0) return undefined;
  if (stops.length > MAX_STOPS) throw badValue('stop', `must have at most ${MAX_STOPS} strings.`);
  // An empty string is in every text; clients send it for none.
  const filled = stops.filter((text) => text !== '');
  return filled.length === 0 ? undefined : filled;
}

/** Ollama's options for the sampling that the client asks for; what it leaves out is left to the Modelfile. */
export function readSampling(body: Fields, maxTokens: number | undefined): Record<string, unknown> {
  return present({
    temperature: body.number('temperature', { min: 0, max: 2 }),
    top_p: body.number('top_p', { min: 0, max: 1 }),
    frequency_penalty: body.number('frequency_penalty', { min: -2, max: 2 }),
    presence_penalty: body.number('presence_penalty', { min: -2, max: 2 }),
    seed: body.integer('seed'),
    stop: readStop(body),
    num_predict: maxTokens,
  });
}

/** 0 and less mean "no limit" to Ollama, and so can never be passed on. */
export function readMaxTokens(body: Fields, key: string): number | undefined {
  return body.integer(key, { min: 1 });
}

export function readChoices(body: Fields): number {
  return body.integer('n', { min: 1, max: MAX_CHOICES }) ?? 1;
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
  const stream = body.boolean('stream') ?? false;
  const options = body.object('stream_options');
  if (options !== undefined && !stream)
    throw badValue('stream_options', 'is only allowed when stream is true.');
  return { stream, includeUsage: options?.boolean('include_usage') ?? false };
}

/** Ollama has no way to bias tokens: better refused than forgotten. */
export function refuseLogitBias(body: Fields): void {
  const bias = body.get('logit_bias');
  if (bias === undefined) return;
  if (typeof bias !== 'object' || Array.isArray(bias)) throw wrongType('logit_bias', 'an object', bias);
  if (bias !== null && Object.keys(bias).length > 0)
    throw badValue('logit_bias', 'is not supported by this server.');
}
