/**
 * Reads a client's JSON field by field. Own keys in their exact case only: Go matches keys without case, so nothing
 * that was not looked at may be handed on, and `__proto__` is a key like any other. `null` counts as absent.
 */
import { GatewayError } from '../errors.js';

export type JsonObject = Record<string, unknown>;

export interface Range {
  min?: number;
  max?: number;
}

/** The fields of one object; every method throws a GatewayError that names the field by its path. */
export interface Fields {
  /** The path of a field, as in `messages[0].content`. */
  at(key: string): string;
  get(key: string): unknown;
  string(key: string): string | undefined;
  boolean(key: string): boolean | undefined;
  number(key: string, range?: Range): number | undefined;
  integer(key: string, range?: Range): number | undefined;
  list(key: string): unknown[] | undefined;
  strings(key: string): string[] | undefined;
  object(key: string): Fields | undefined;
  /** A list of objects. */
  items(key: string): Fields[] | undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** 400: `expected` is a noun with its article, `a string`. */
export function wrongType(param: string, expected: string, value: unknown): GatewayError {
  return new GatewayError('invalid_type', {
    message: `Invalid type for '${param}': expected ${expected}, but got ${nameOf(value)} instead.`,
    param,
  });
}

/** 400: `why` ends the sentence that begins with the field's name. */
export function badValue(param: string, why: string): GatewayError {
  return new GatewayError('invalid_value', { message: `Invalid '${param}': ${why}`, param });
}

export function missingField(
  param: string,
  message = `Missing required parameter: '${param}'.`,
): GatewayError {
  return new GatewayError('missing_field', { message, param });
}

function checkRange(value: number, param: string, { min, max }: Range): void {
  if (min !== undefined && max !== undefined && (value < min || value > max)) {
    throw badValue(param, `must be between ${min} and ${max}.`);
  }
  if (min !== undefined && value < min) throw badValue(param, `must be at least ${min}.`);
  if (max !== undefined && value > max) throw badValue(param, `must be at most ${max}.`);
}

/** @throws GatewayError invalid_type where `value` is not an object */
export function fields(value: unknown, path = ''): Fields {
  if (!isObject(value)) {
    if (path !== '') throw wrongType(path, 'an object', value);
    throw new GatewayError('invalid_type', { message: 'The body must be a JSON object.' });
  }
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  const get = (key: string): unknown => (Object.hasOwn(value, key) ? (value[key] ?? undefined) : undefined);

  function number(key: string, range: Range = {}): number | undefined {
    const found = get(key);
    if (found === undefined) return undefined;
    // 1e400 is valid JSON and becomes Infinity here.
    if (typeof found !== 'number' || !Number.isFinite(found)) throw wrongType(at(key), 'a number', found);
    checkRange(found, at(key), range);
    return found;
  }

  function list(key: string): unknown[] | undefined {
    const found = get(key);
    if (found === undefined) return undefined;
    if (!Array.isArray(found)) throw wrongType(at(key), 'an array', found);
    return found;
  }

  return {
    at,
    get,
    number,
    list,
    string(key) {
      const found = get(key);
      if (found !== undefined && typeof found !== 'string') throw wrongType(at(key), 'a string', found);
      return found;
    },
    boolean(key) {
      const found = get(key);
      if (found !== undefined && typeof found !== 'boolean') throw wrongType(at(key), 'a boolean', found);
      return found;
    },
    integer(key, range) {
      const found = number(key, range);
      if (found !== undefined && !Number.isSafeInteger(found)) throw wrongType(at(key), 'an integer', found);
      return found;
    },
    strings(key) {
      return list(key)?.map((item, i) => {
        if (typeof item !== 'string') throw wrongType(`${at(key)}[${i}]`, 'a string', item);
        return item;
      });
    },
    object(key) {
      const found = get(key);
      return found === undefined ? undefined : fields(found, at(key));
    },
    items(key) {
      return list(key)?.map((item, i) => fields(item, `${at(key)}[${i}]`));
    },
  };
}

/** An object of the entries that have a value. Never sets a prototype, whatever a key is called. */
export function present(entries: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const key of Object.keys(entries)) {
    const value = entries[key];
    if (value === undefined) continue;
    if (key === '__proto__') Object.defineProperty(kept, key, { ...ORDINARY, value });
    else kept[key] = value;
  }
  return kept;
}

const ORDINARY = { configurable: true, enumerable: true, writable: true };
