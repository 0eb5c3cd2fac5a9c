/** Ollama's `options`: names and types as in its api/types.go. Unknown names are left out. */
import { FLOAT32, MAX_NATIVE_STOPS, SEED } from '../bounds.js';
import { type Fields, INT32, readBoolean, readNumber, readStrings, readValue } from '../validate.js';

type Kind = 'int' | 'float' | 'bool' | 'strings';

const OPTIONS = Object.entries<Kind>({
  num_keep: 'int',
  seed: 'int',
  num_predict: 'int',
  top_k: 'int',
  top_p: 'float',
  min_p: 'float',
  typical_p: 'float',
  repeat_last_n: 'int',
  temperature: 'float',
  repeat_penalty: 'float',
  presence_penalty: 'float',
  frequency_penalty: 'float',
  stop: 'strings',
  num_ctx: 'int',
  num_batch: 'int',
  num_gpu: 'int',
  main_gpu: 'int',
  use_mmap: 'bool',
  num_thread: 'int',
  draft_num_predict: 'int',
});

export const OPTION_NAMES: readonly string[] = OPTIONS.map(([name]) => name);

function read(from: Fields, name: string, kind: Kind): unknown {
  if (kind === 'strings') return readStrings(from, name, MAX_NATIVE_STOPS);
  if (kind === 'bool') return readBoolean(from, name);
  if (kind === 'float') return readNumber(from, name, FLOAT32);
  const value = readNumber(from, name, name === 'seed' ? SEED : INT32);
  // As Ollama does.
  return value === undefined ? undefined : Math.trunc(value);
}

/**
 * The known options of `from`. Wrong types are 400 here; Ollama would say 500. `num_predict` of 0 or less means
 * "no limit" there and is left out.
 */
export function readOptions(from: Fields | undefined): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  if (from === undefined) return options;
  for (const [name, kind] of OPTIONS) {
    if (readValue(from, name) !== undefined) options[name] = read(from, name, kind);
  }
  if (typeof options.num_predict === 'number' && options.num_predict < 1) delete options.num_predict;
  return options;
}

/** For requests: absent where there are none, so that the Modelfile's own stand. */
export function orNothing(options: Record<string, unknown>): Record<string, unknown> | undefined {
  return Object.keys(options).length === 0 ? undefined : options;
}

/** What `options` allow to be generated. */
export function maxTokensOf(options: Record<string, unknown>): number | undefined {
  return typeof options.num_predict === 'number' ? options.num_predict : undefined;
}
