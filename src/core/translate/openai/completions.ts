/** `POST /openai/v1/completions`: the request. */
import { MAX_CHOICES, MAX_PROMPTS } from '../bounds.js';
import { isTokens, type ReadOptions } from '../native/common.js';
import { maxTokensOf, orNothing } from '../native/options.js';
import type { Exchange, NativeCall, NativeRequest } from '../types.js';
import {
  badValue,
  type Fields,
  fields,
  missingField,
  present,
  readBoolean,
  readInteger,
  readString,
  readStrings,
  readValue,
  wrongType,
} from '../validate.js';
import { type CompletionReplyOptions, completionReply, completionStream } from './completion-reply.js';
import { readExtensions } from './extensions.js';
import { completionId } from './ids.js';
import {
  perChoice,
  readChoices,
  readMaxTokens,
  readModel,
  readSampling,
  readStreaming,
  refuseLogitBias,
} from './sampling.js';

function readPrompts(body: Fields): string[] {
  const value = readValue(body, 'prompt');
  if (value === undefined) throw missingField('prompt');
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) throw wrongType('prompt', 'a string or an array of strings', value);
  if (value.length === 0) throw badValue('prompt', 'must not be empty.');
  if (isTokens(value[0])) throw badValue('prompt', 'token arrays are not supported.');
  return readStrings(body, 'prompt', MAX_PROMPTS)!;
}

function checkBestOf(body: Fields, choices: number): void {
  const best = readInteger(body, 'best_of', { min: 1, max: MAX_CHOICES });
  if (best !== undefined && best !== choices)
    throw badValue('best_of', 'is only supported when it equals n.');
}

/** Ollama only loads the model for an empty prompt: the answer to nothing is nothing. */
function nothing(request: NativeRequest): Pick<NativeCall, 'answer'> {
  if (request.prompt !== '') return {};
  return { answer: { model: request.model, response: '', done: true, done_reason: 'stop' } };
}

/**
 * Reads an OpenAI completion request, with Ollama's own extensions: one call for each prompt and choice.
 * @throws GatewayError 400 that names the field
 */
export function readCompletion(body: unknown, given: ReadOptions = {}): Exchange {
  const from = fields(body);
  const model = readModel(from, given);
  const prompts = readPrompts(from);
  const choices = readChoices(from);
  const suffix = readString(from, 'suffix') || undefined;
  const logprobs = readInteger(from, 'logprobs', { min: 0, max: 5 });
  const echo = readBoolean(from, 'echo') ?? false;
  if (echo && logprobs !== undefined) throw badValue('echo', 'is not supported together with logprobs.');
  const { stream, includeUsage } = readStreaming(from);
  const { options, think, keep_alive, truncate } = readExtensions(from);
  const maxTokens = readMaxTokens(from, 'max_tokens') ?? maxTokensOf(options);
  checkBestOf(from, choices);
  refuseLogitBias(from);
  const shared = present({
    suffix,
    options: orNothing({ ...options, ...readSampling(from, maxTokens) }),
    think,
    keep_alive,
    truncate,
    logprobs: logprobs === undefined ? undefined : true,
    top_logprobs: logprobs,
  });
  const requests = prompts.flatMap((prompt) => perChoice({ model, prompt, ...shared }, choices));
  const reply: CompletionReplyOptions = {
    id: completionId('cmpl'),
    includeUsage,
    logprobs,
    echoes: echo ? requests.map((request) => String(request.prompt)) : [],
  };
  return {
    endpoint: '/api/generate',
    model,
    calls: requests.map((request) => ({ request, ...nothing(request) })),
    stream,
    maxTokens,
    whole: (answers, context) => completionReply(answers, context, reply),
    encoder: (context) => completionStream(context, reply),
  };
}
