/** What the guide's two inference requests share. */
import { OUTPUT_TOKENS } from '../bounds.js';
import { readOptions } from '../native/options.js';
import {
  badValue,
  type Fields,
  missingField,
  pathOf,
  readInteger,
  readNumber,
  readObject,
  readValue,
} from '../validate.js';

/**
 * `parameters` as Ollama's options: `max_tokens` is `num_predict`, the others keep their names. What Ollama would
 * take silently, a limit of 0 or a temperature out of range, is refused.
 */
export function readParameters(body: Fields): Record<string, unknown> {
  const parameters = readObject(body, 'parameters');
  if (parameters === undefined) return {};
  readNumber(parameters, 'temperature', { min: 0, max: 2 });
  const limit = readLimit(parameters, 'max_tokens') ?? readLimit(parameters, 'num_predict');
  return { ...readOptions(parameters), ...(limit === undefined ? {} : { num_predict: limit }) };
}

function readLimit(parameters: Fields, key: string): number | undefined {
  return readValue(parameters, key) === -1 ? undefined : readInteger(parameters, key, OUTPUT_TOKENS);
}

/** A field that may be neither absent nor empty. */
export function needed<T extends string | unknown[]>(body: Fields, key: string, value: T | undefined): T {
  if (value === undefined) throw missingField(pathOf(body, key));
  if (value.length === 0) throw badValue(pathOf(body, key), 'must not be empty.');
  return value;
}
