/** The messages of a native chat. */
import type { NativeMessage, NativeToolCall } from '../types.js';
import { badValue, type Fields, isObject, missingField, present, wrongType } from '../validate.js';
import { byteLength, jsonLength, readImages } from './common.js';

export const ROLES = ['system', 'user', 'assistant', 'tool'];

/** The size of what the model reads: see NativeCall. */
export interface Size {
  promptBytes: number;
  parts: number;
  media: number;
}

/** Ollama lower-cases roles; it would hand an unknown one to the model's template. */
export function readRole(message: Fields, known: string[] = ROLES): string {
  const role = message.string('role');
  if (role === undefined) throw missingField(message.at('role'));
  const lower = role.toLowerCase();
  if (!known.includes(lower)) throw badValue(message.at('role'), `must be one of ${known.join(', ')}.`);
  return lower;
}

function readToolCalls(message: Fields): NativeToolCall[] | undefined {
  const calls = message.items('tool_calls');
  if (calls === undefined || calls.length === 0) return undefined;
  return calls.map((call, i) => {
    const definition = call.object('function');
    if (definition === undefined) throw missingField(call.at('function'));
    const name = definition.string('name');
    if (name === undefined) throw missingField(definition.at('name'));
    const args = definition.get('arguments') ?? {};
    if (!isObject(args)) throw wrongType(definition.at('arguments'), 'an object', args);
    const id = call.string('id');
    const index = definition.integer('index') ?? i;
    return { ...(id === undefined ? {} : { id }), function: { index, name, arguments: args } };
  });
}

export function readMessage(message: Fields): NativeMessage {
  return {
    role: readRole(message),
    content: message.string('content') ?? '',
    ...present({
      thinking: message.string('thinking'),
      images: readImages(message),
      tool_calls: readToolCalls(message),
      tool_name: message.string('tool_name'),
      tool_call_id: message.string('tool_call_id'),
    }),
  };
}

/** Bytes of content, reasoning and tool call arguments, which templates show to the model. */
export function messageSize(messages: NativeMessage[], tools: unknown): Size {
  let promptBytes = jsonLength(tools);
  let media = 0;
  for (const message of messages) {
    promptBytes += byteLength(message.content) + byteLength(message.thinking);
    media += message.images?.length ?? 0;
    for (const call of message.tool_calls ?? []) {
      promptBytes += byteLength(call.function.name) + jsonLength(call.function.arguments);
    }
  }
  return { promptBytes, parts: messages.length, media };
}
