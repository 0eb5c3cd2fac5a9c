/** OpenAI's messages as Ollama's. */
import { MAX_MESSAGES, MAX_TOOL_CALLS } from '../bounds.js';
import { parseExact } from '../json.js';
import { readRole } from '../native/messages.js';
import type { NativeMessage, NativeToolCall } from '../types.js';
import {
  badValue,
  type Fields,
  isObject,
  missingField,
  pathOf,
  present,
  readItems,
  readObject,
  readString,
  readValue,
  wrongType,
} from '../validate.js';
import { readContent } from './content.js';

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];

/** Many templates drop `developer` or fail on it; `function` is what `tool` was called before. */
export const NATIVE_ROLE: Record<string, string> = { developer: 'system', function: 'tool' };

/** The JSON object in a string of arguments. Numbers keep their digits. */
export function readArguments(call: Fields): unknown {
  const value = readValue(call, 'arguments');
  if (value === undefined || isObject(value)) return value ?? {};
  if (typeof value !== 'string') throw wrongType(pathOf(call, 'arguments'), 'a string', value);
  if (value.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = parseExact(value);
  } catch {
    throw badValue(pathOf(call, 'arguments'), 'must be valid JSON.');
  }
  if (parsed === null) return {};
  if (!isObject(parsed)) throw badValue(pathOf(call, 'arguments'), 'must be a JSON object.');
  return parsed;
}

export function readName(call: Fields): string {
  const name = readString(call, 'name');
  if (name === undefined || name === '') throw missingField(pathOf(call, 'name'));
  return name;
}

/** `tool_calls`, or the one `function_call` of old. */
function readToolCalls(message: Fields): NativeToolCall[] | undefined {
  const calls = readItems(message, 'tool_calls', MAX_TOOL_CALLS, readToolCall);
  if (calls !== undefined && calls.length > 0) return calls;
  const legacy = readObject(message, 'function_call');
  return legacy && [{ function: { index: 0, name: readName(legacy), arguments: readArguments(legacy) } }];
}

function readToolCall(call: Fields): NativeToolCall {
  const type = readString(call, 'type') ?? 'function';
  if (type !== 'function') throw badValue(pathOf(call, 'type'), `calls of type "${type}" are not supported.`);
  const definition = readObject(call, 'function');
  if (definition === undefined) throw missingField(pathOf(call, 'function'));
  const id = readString(call, 'id');
  return {
    ...(id === undefined ? {} : { id }),
    function: { index: call.index, name: readName(definition), arguments: readArguments(definition) },
  };
}

const stringOr = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/**
 * Reads OpenAI's messages, each as one native message. Tool results get the name of the call that they answer,
 * which templates show and openai's own helpers leave out.
 */
export function readMessages(body: Fields): NativeMessage[] | undefined {
  const names = new Map<string, string>();
  return readItems(body, 'messages', MAX_MESSAGES, (message) => readMessage(message, names));
}

function readMessage(message: Fields, names: Map<string, string>): NativeMessage {
  const role = readRole(message, ROLES);
  const content = readContent(message);
  const common = {
    role: NATIVE_ROLE[role] ?? role,
    content: content?.text ?? '',
    ...present({ images: content && content.images.length > 0 ? content.images : undefined }),
  };
  if (role === 'assistant') return { ...common, ...readAssistant(message, common.content, names) };
  if (role === 'tool' || role === 'function') {
    const id = readString(message, 'tool_call_id');
    const name = readString(message, 'name') ?? names.get(id ?? '');
    return { ...common, ...present({ tool_name: name, tool_call_id: id }) };
  }
  if (content === undefined) throw missingField(pathOf(message, 'content'));
  return common;
}

/** An assistant may have no content; what it called is remembered for the results that follow. */
function readAssistant(message: Fields, content: string, names: Map<string, string>): Partial<NativeMessage> {
  const calls = readToolCalls(message);
  for (const call of calls ?? []) if (call.id !== undefined) names.set(call.id, call.function.name);
  return {
    content: content || (stringOr(readValue(message, 'refusal')) ?? ''),
    ...present({
      thinking:
        stringOr(readValue(message, 'reasoning')) ?? stringOr(readValue(message, 'reasoning_content')),
      tool_calls: calls,
    }),
  };
}
