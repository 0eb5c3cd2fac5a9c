/**
 * Decodes JSON into the shape of a Go struct, as gin does for Ollama: keys match without regard to case,
 * the last of equal keys counts, unknown keys are ignored, null leaves a field as it was, and the first
 * wrong type is the error.
 */
import { GoJsonError, type GoNode, parseGoJson, plain } from './go-json.js';
import { goQuote } from './go-text.js';

type Decoder<T> = (node: GoNode, path: Path) => T;

interface Path {
  /** The struct's name in Ollama: `ChatRequest`. */
  root: string;
  fields: string[];
}

export type Fields = Record<string, Decoder<unknown>>;
export type Decoded<F extends Fields> = { [K in keyof F]?: ReturnType<F[K]> };

function mismatch(node: GoNode, type: string, path: Path): GoJsonError {
  const where =
    path.fields.length > 0
      ? `Go struct field ${path.root}.${path.fields.join('.')} of type ${type}`
      : `Go value of type ${type}`;
  return new GoJsonError(`json: cannot unmarshal ${node.kind} into ${where}`);
}

export const string: Decoder<string> = (node, path) => {
  if (node.kind !== 'string') throw mismatch(node, 'string', path);
  return node.value;
};

export const bool: Decoder<boolean> = (node, path) => {
  if (node.kind !== 'bool') throw mismatch(node, 'bool', path);
  return node.value;
};

export const int: Decoder<number> = (node, path) => {
  if (node.kind !== 'number') throw mismatch(node, 'int', path);
  if (!Number.isInteger(node.value) || /[.eE]/.test(node.raw)) {
    const where = `Go struct field ${path.root}.${path.fields.join('.')} of type int`;
    throw new GoJsonError(`json: cannot unmarshal number ${node.raw} into ${where}`);
  }
  return node.value;
};

/** Go's `any`. */
export const anything: Decoder<unknown> = (node) => plain(node);

/** Go's json.RawMessage. */
export const raw: Decoder<string> = (node) => node.raw;

/** A map[string]any. */
export const map =
  (type: string): Decoder<Record<string, unknown>> =>
  (node, path) => {
    if (node.kind !== 'object') throw mismatch(node, type, path);
    return Object.fromEntries(node.entries.map(([key, value]) => [key, plain(value)]));
  };

export const list =
  <T>(item: Decoder<T>, type: string): Decoder<T[]> =>
  (node, path) => {
    if (node.kind !== 'array') throw mismatch(node, type, path);
    return node.items.map((each) => item(each, path));
  };

/** Base64 with padding, as Go's []byte. */
export const bytes: Decoder<string> = (node, path) => {
  if (node.kind !== 'string') throw mismatch(node, '[]uint8', path);
  const text = node.value.replace(/[\r\n]/g, '');
  const wrong = text.search(/[^A-Za-z0-9+/=]|=(?=[^=])/);
  const at = wrong >= 0 ? wrong : text.length % 4 !== 0 ? text.length - (text.length % 4) : -1;
  if (at >= 0) throw new GoJsonError(`illegal base64 data at input byte ${at}`);
  return text;
};

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 60e3, h: 3_600e3 };

/** Milliseconds from a number of seconds or a Go duration such as `1h30m`; negative is for ever. */
export const duration: Decoder<number> = (node) => {
  if (node.kind === 'number') return node.value < 0 ? Number.POSITIVE_INFINITY : node.value * 1e3;
  if (node.kind !== 'string') throw new GoJsonError(`Unsupported type: '${node.kind}'`);
  const parts = [...node.value.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  const read = parts.map((part) => part[0]).join('');
  const unsigned = node.value.replace(/^[+-]/, '');
  if (unsigned !== '0' && (read === '' || read !== unsigned)) {
    const missing = /^(\d+(\.\d*)?|\.\d+)+$/.test(unsigned);
    throw new GoJsonError(`time: ${missing ? 'missing unit in' : 'invalid'} duration ${goQuote(node.value)}`);
  }
  const total = parts.reduce((sum, part) => sum + Number(part[1]) * UNITS[part[2]!]!, 0);
  return node.value.startsWith('-') ? Number.POSITIVE_INFINITY : total;
};

const LEVELS = ['high', 'medium', 'low', 'max'];

export const think: Decoder<boolean | string> = (node) => {
  const allowed = '"high", "medium", "low", "max", true, or false';
  if (node.kind === 'bool') return node.value;
  if (node.kind !== 'string') throw new GoJsonError(`think must be a boolean or string (${allowed})`);
  if (LEVELS.includes(node.value)) return node.value;
  throw new GoJsonError(`invalid think value: ${goQuote(node.value)} (must be ${allowed})`);
};

export const struct =
  <F extends Fields>(type: string, fields: F): Decoder<Decoded<F>> =>
  (node, path) => {
    const decoded: Decoded<F> = {};
    if (node.kind === 'null') return decoded;
    if (node.kind !== 'object') throw mismatch(node, type, path);
    const names = Object.keys(fields);
    for (const [key, value] of node.entries) {
      const name = names.find((each) => each === key) ?? names.find((each) => each === key.toLowerCase());
      if (name === undefined || value.kind === 'null') continue;
      const read = fields[name]!;
      Object.assign(decoded, { [name]: read(value, { ...path, fields: [...path.fields, name] }) });
    }
    return decoded;
  };

/**
 * @param name of the struct in Ollama's `api` package
 * @throws {GoJsonError} with Go's words
 */
export function decodeBody<F extends Fields>(text: string, name: string, fields: F): Decoded<F> {
  return struct(`api.${name}`, fields)(parseGoJson(text), { root: name, fields: [] });
}
