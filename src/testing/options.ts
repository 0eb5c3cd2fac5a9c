/**
 * The `options` of a request: Ollama refuses wrong types with a 500, and ignores names it does not know.
 */

const INTEGERS = [
  'num_keep',
  'seed',
  'num_predict',
  'top_k',
  'repeat_last_n',
  'num_ctx',
  'num_batch',
  'num_gpu',
  'main_gpu',
  'num_thread',
];
const FLOATS = [
  'top_p',
  'min_p',
  'typical_p',
  'temperature',
  'repeat_penalty',
  'presence_penalty',
  'frequency_penalty',
];

export interface ModelOptions {
  stop: string[];
  /** Undefined is no limit. */
  num_predict?: number;
  num_ctx?: number;
}

function wrongType(name: string, value: unknown): string | undefined {
  if (value === null) return undefined;
  if (INTEGERS.includes(name)) return typeof value === 'number' ? undefined : 'of type integer';
  if (FLOATS.includes(name)) return typeof value === 'number' ? undefined : 'of type float32';
  if (name === 'use_mmap') return typeof value === 'boolean' ? undefined : 'of type boolean';
  if (name !== 'stop') return undefined;
  if (!Array.isArray(value)) return 'of type array';
  return value.every((each) => typeof each === 'string') ? undefined : 'of an array of strings';
}

/** Ollama's words for the first option of a wrong type. */
export function optionError(options: Record<string, unknown>): string | undefined {
  for (const [name, value] of Object.entries(options)) {
    const wrong = wrongType(name, value);
    if (wrong) return `option "${name}" must be ${wrong}`;
  }
  return undefined;
}

const integer = (value: unknown) => (typeof value === 'number' ? Math.trunc(value) : undefined);

/** A request's options over the model's own; 0 or less is no limit, and no context of its own. */
export function readOptions(own: Record<string, unknown>, options: Record<string, unknown>): ModelOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));
  const { stop, num_predict, num_ctx } = { ...own, ...given };
  const limit = integer(num_predict) ?? -1;
  return {
    stop: Array.isArray(stop) ? stop.filter((each) => typeof each === 'string' && each !== '') : [],
    num_predict: limit > 0 ? limit : undefined,
    num_ctx: (integer(num_ctx) ?? 0) > 0 ? integer(num_ctx) : undefined,
  };
}
