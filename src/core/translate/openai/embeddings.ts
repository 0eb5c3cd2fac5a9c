/** `POST /openai/v1/embeddings`. */
import { errorBody, GatewayError } from '../../errors.js';
import { DIMENSIONS, MAX_INPUTS } from '../bounds.js';
import { tokenCounts } from '../chunk.js';
import { isTokens, type ReadOptions } from '../native/common.js';
import { orNothing } from '../native/options.js';
import type { Exchange, NativeAnswer, NativeRequest, ReplyContext } from '../types.js';
import {
  badValue,
  type Fields,
  fields,
  missingField,
  present,
  readInteger,
  readString,
  readStrings,
  readValue,
  wrongType,
} from '../validate.js';
import { readExtensions } from './extensions.js';
import { readModel } from './sampling.js';

function readInputs(body: Fields): string[] {
  const value = readValue(body, 'input');
  if (value === undefined) throw missingField('input');
  if (typeof value === 'string') {
    if (value === '') throw badValue('input', 'must not be empty.');
    return [value];
  }
  if (!Array.isArray(value)) throw wrongType('input', 'a string or an array of strings', value);
  if (value.length === 0) throw badValue('input', 'must not be empty.');
  if (isTokens(value[0])) throw badValue('input', 'token arrays are not supported.');
  const texts = readStrings(body, 'input', MAX_INPUTS)!;
  const empty = texts.indexOf('');
  if (empty !== -1) throw badValue(`input[${empty}]`, 'must not be empty.');
  return texts;
}

/** openai's own clients ask for base64 unless told otherwise: it is half the bytes. */
function readEncoding(body: Fields): 'float' | 'base64' {
  const encoding = readString(body, 'encoding_format')?.toLowerCase() ?? 'float';
  if (encoding !== 'float' && encoding !== 'base64')
    throw badValue('encoding_format', 'must be float or base64.');
  return encoding;
}

/** 32-bit floats, little-endian whatever the machine is. */
function base64(vector: number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, i) => {
    bytes.writeFloatLE(value, i * 4);
  });
  return bytes.toString('base64');
}

function vectors(answer: NativeAnswer | undefined, expected: number): number[][] {
  const found = answer?.value.embeddings;
  if (!Array.isArray(found) || found.length !== expected || !found.every(Array.isArray)) {
    throw new GatewayError('upstream_error', {
      message: 'The model server gave no embedding for some of the input.',
    });
  }
  return found;
}

/**
 * Reads an OpenAI embeddings request, with Ollama's own options as extra fields. Inputs that are too long for the model
 * are cut, as Ollama does by default; `truncate: false` has them refused.
 * @throws GatewayError 400 that names the field
 */
export function readEmbeddings(body: unknown, given: ReadOptions = {}): Exchange {
  const from = fields(body);
  const model = readModel(from, given);
  const input = readInputs(from);
  const encoding = readEncoding(from);
  const { options, keep_alive, truncate } = readExtensions(from);
  const request: NativeRequest = {
    model,
    input,
    ...present({
      dimensions: readInteger(from, 'dimensions', { ...DIMENSIONS, min: 1 }),
      truncate,
      keep_alive,
      options: orNothing(options),
    }),
  };

  function whole([answer]: NativeAnswer[], context: ReplyContext) {
    const { prompt } = tokenCounts(answer?.value ?? {});
    return {
      object: 'list',
      data: vectors(answer, input.length).map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: encoding === 'base64' ? base64(vector) : vector,
      })),
      model: context.model,
      usage: { prompt_tokens: prompt, total_tokens: prompt },
    };
  }

  return {
    endpoint: '/api/embed',
    model,
    calls: [{ request }],
    stream: false,
    whole,
    // There is no stream of embeddings: the one document is all there is to write.
    encoder: (context) => ({
      headers: { 'content-type': 'application/json; charset=utf-8' },
      write: (_call, chunk) => JSON.stringify(whole([{ value: chunk }], context)),
      end: () => '',
      fail: (error) => errorBody(error, 'openai'),
    }),
  };
}
