/**
 * Reads a client's JSON field by field. Own keys in their exact case only: Go matches keys without case, so nothing
 * that was not looked at may be handed on, and `__proto__` is a key like any other. `null` counts as absent.
 *
 * What is read costs nothing beyond the value itself: no function and no path is made for a field or an element. A
 * path is put together when an error needs it.
 */
import { GatewayError } from '../errors.js';

export type JsonObject = Record<string, unknown>;

export interface Range {
  min?: number;
  max?: number;
}

/** An object of the body, and where it stands. */
export interface Fields {
  value: JsonObject;
  /** The object around it; undefined for the body itself. */
  readonly parent: Fields | undefined;
  /** Its name there; of the body, what its fields' paths begin with. */
  readonly key: string;
  /** Its place in the list of that name; -1 where it stands alone. */
  index: number;
}

/** Integers that C and Go hold in 32 bits, as the model's server does. */
export const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

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

/**
 * The body's fields.
 * @param path what their paths begin with
 * @throws GatewayError invalid_type where `value` is not an object
 */
export function fields(value: unknown, path = ''): Fields {
  if (isObject(value)) return { value, parent: undefined, key: path, index: -1 };
  if (path !== '') throw wrongType(path, 'an object', value);
  throw new GatewayError('invalid_type', { message: 'The body must be a JSON object.' });
}

/** The path of a field, as in `messages[0].content`. */
export function pathOf(from: Fields, key: string): string {
  const { parent, key: own, index } = from;
  const path = parent === undefined ? own : pathOf(parent, own);
  const place = index === -1 ? path : `${path}[${index}]`;
  return place === '' ? key : `${place}.${key}`;
}

/** A field's value, whatever it is. */
export function readValue(from: Fields | undefined, key: string): unknown {
  return from !== undefined && Object.hasOwn(from.value, key) ? (from.value[key] ?? undefined) : undefined;
}

export function readString(from: Fields | undefined, key: string): string | undefined {
  const found = readValue(from, key);
  if (found === undefined || typeof found === 'string') return found;
  throw wrongType(pathOf(from!, key), 'a string', found);
}

export function readBoolean(from: Fields | undefined, key: string): boolean | undefined {
  const found = readValue(from, key);
  if (found === undefined || typeof found === 'boolean') return found;
  throw wrongType(pathOf(from!, key), 'a boolean', found);
}

export function readNumber(from: Fields | undefined, key: string, range: Range): number | undefined {
  const found = readValue(from, key);
  if (found === undefined) return undefined;
  // 1e400 is valid JSON and becomes Infinity here.
  if (typeof found !== 'number' || !Number.isFinite(found))
    throw wrongType(pathOf(from!, key), 'a number', found);
  checkRange(found, from!, key, range);
  return found;
}

export function readInteger(from: Fields | undefined, key: string, range: Range): number | undefined {
  const found = readNumber(from, key, range);
  if (found !== undefined && !Number.isSafeInteger(found))
    throw wrongType(pathOf(from!, key), 'an integer', found);
  return found;
}

function checkRange(value: number, from: Fields, key: string, { min, max }: Range): void {
  const low = min !== undefined && value < min;
  const high = max !== undefined && value > max;
  if (!low && !high) return;
  const param = pathOf(from, key);
  if (min !== undefined && max !== undefined) throw badValue(param, `must be between ${min} and ${max}.`);
  throw badValue(param, low ? `must be at least ${min}.` : `must be at most ${max}.`);
}

/** A list of at most `most` elements: told by its length, before anything looks at them. */
export function readList(from: Fields | undefined, key: string, most: number): unknown[] | undefined {
  const found = readValue(from, key);
  if (found === undefined) return undefined;
  if (!Array.isArray(found)) throw wrongType(pathOf(from!, key), 'an array', found);
  if (found.length > most) throw badValue(pathOf(from!, key), `must have at most ${most} items.`);
  return found;
}

export function readStrings(from: Fields | undefined, key: string, most: number): string[] | undefined {
  const list = readList(from, key, most);
  if (list === undefined) return undefined;
  for (let i = 0; i < list.length; i += 1) {
    if (typeof list[i] !== 'string') throw wrongType(`${pathOf(from!, key)}[${i}]`, 'a string', list[i]);
  }
  return list as string[];
}

export function readObject(from: Fields | undefined, key: string): Fields | undefined {
  const found = readValue(from, key);
  if (found === undefined) return undefined;
  if (!isObject(found)) throw wrongType(pathOf(from!, key), 'an object', found);
  return { value: found, parent: from, key, index: -1 };
}

/**
 * Reads a list of objects, one after the other.
 * @param read is given the same Fields for each of them: they are good until it returns
 */
export function readItems<T>(
  from: Fields | undefined,
  key: string,
  most: number,
  read: (item: Fields) => T,
): T[] | undefined {
  const list = readList(from, key, most);
  if (list === undefined) return undefined;
  const results: T[] = [];
  const item: Fields = { value: {}, parent: from, key, index: 0 };
  for (let i = 0; i < list.length; i += 1) {
    const value = list[i];
    if (!isObject(value)) throw wrongType(`${pathOf(from!, key)}[${i}]`, 'an object', value);
    item.value = value;
    item.index = i;
    results.push(read(item));
  }
  return results;
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
