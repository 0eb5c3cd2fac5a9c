/** The messages of a native chat. */
import { MAX_TOOL_CALLS } from '../bounds.js';
import type { NativeMessage, NativeToolCall } from '../types.js';
import {
  badValue,
  type Fields,
  INT32,
  isObject,
  missingField,
  pathOf,
  present,
  readInteger,
  readItems,
  readObject,
  readString,
  readValue,
  wrongType,
} from '../validate.js';
import { readImages } from './common.js';

/** `control` and `developer` mean something to some models' templates. */
export const ROLES = ['system', 'user', 'assistant', 'tool', 'control', 'developer'];

/** Ollama lower-cases roles; it would hand an unknown one to the model's template. */
export function readRole(message: Fields, known: string[] = ROLES): string {
  const role = readString(message, 'role');
  if (role === undefined) throw missingField(pathOf(message, 'role'));
  const lower = role.toLowerCase();
  if (!known.includes(lower)) throw badValue(pathOf(message, 'role'), `must be one of ${known.join(', ')}.`);
  return lower;
}

function readToolCalls(message: Fields): NativeToolCall[] | undefined {
  const calls = readItems(message, 'tool_calls', MAX_TOOL_CALLS, readToolCall);
  return calls === undefined || calls.length === 0 ? undefined : calls;
}

function readToolCall(call: Fields): NativeToolCall {
  const definition = readObject(call, 'function');
  if (definition === undefined) throw missingField(pathOf(call, 'function'));
  const name = readString(definition, 'name');
  if (name === undefined) throw missingField(pathOf(definition, 'name'));
  const args = readValue(definition, 'arguments') ?? {};
  if (!isObject(args)) throw wrongType(pathOf(definition, 'arguments'), 'an object', args);
  const id = readString(call, 'id');
  const index = readInteger(definition, 'index', INT32) ?? call.index;
  return { ...(id === undefined ? {} : { id }), function: { index, name, arguments: args } };
}

export function readMessage(message: Fields): NativeMessage {
  return {
    role: readRole(message),
    content: readString(message, 'content') ?? '',
    ...present({
      thinking: readString(message, 'thinking'),
      images: readImages(message),
      tool_calls: readToolCalls(message),
      tool_name: readString(message, 'tool_name'),
      tool_call_id: readString(message, 'tool_call_id'),
    }),
  };
}
