/** The input of a response: a text, or the items of a conversation, made into native messages. */
import { MAX_MESSAGES, MAX_PARTS } from '../bounds.js';
import { readRole } from '../native/messages.js';
import type { NativeMessage } from '../types.js';
import {
  badValue,
  type Fields,
  missingField,
  pathOf,
  present,
  readItems,
  readString,
  readValue,
} from '../validate.js';
import { readItemContent } from './content.js';
import { NATIVE_ROLE, readArguments, readName } from './messages.js';

const ROLES = ['user', 'assistant', 'system', 'developer'];

/** What is read so far. */
interface Conversation {
  messages: NativeMessage[];
  /** The assistant's message that calls may still be added to: the last one, as long as nobody else has spoken. */
  turn: NativeMessage | undefined;
  /** Reasoning that belongs to the assistant's next message. */
  thinking: string | undefined;
  /** Names of the tools called, by call id. */
  names: Map<string, string>;
}

/** The assistant's new message, with the reasoning before it. */
function begin(to: Conversation, message: NativeMessage): NativeMessage {
  const turn = { ...message, ...present({ thinking: to.thinking }) };
  to.thinking = undefined;
  to.turn = turn;
  to.messages.push(turn);
  return turn;
}

/** Somebody else speaks: reasoning that led to nothing is forgotten. */
function say(to: Conversation, message: NativeMessage): void {
  to.thinking = undefined;
  to.turn = undefined;
  to.messages.push(message);
}

function readMessage(item: Fields, to: Conversation): void {
  const role = readRole(item, ROLES);
  const content = readItemContent(item, 'content');
  if (content === undefined && role !== 'assistant') throw missingField(pathOf(item, 'content'));
  const message: NativeMessage = {
    role: NATIVE_ROLE[role] ?? role,
    content: content?.text ?? '',
    ...present({ images: content && content.images.length > 0 ? content.images : undefined }),
  };
  if (role === 'assistant') begin(to, message);
  else say(to, message);
}

function readCallId(item: Fields): string {
  const id = readString(item, 'call_id');
  if (id === undefined || id === '') throw missingField(pathOf(item, 'call_id'));
  return id;
}

/** Text and calls of one turn are items of their own here, and one message to a model. */
function readCall(item: Fields, to: Conversation, read = readArguments): void {
  const id = readCallId(item);
  const name = readName(item);
  to.names.set(id, name);
  const turn = to.thinking === undefined && to.turn ? to.turn : begin(to, { role: 'assistant', content: '' });
  turn.tool_calls ??= [];
  turn.tool_calls.push({
    id,
    function: { index: turn.tool_calls.length, name, arguments: read(item) },
  });
}

function readCallOutput(item: Fields, to: Conversation): void {
  const id = readCallId(item);
  const content = readItemContent(item, 'output');
  if (content === undefined && readValue(item, 'output') === undefined)
    throw missingField(pathOf(item, 'output'));
  say(to, {
    role: 'tool',
    content: content?.text ?? '',
    ...present({
      images: content && content.images.length > 0 ? content.images : undefined,
      tool_name: to.names.get(id),
      tool_call_id: id,
    }),
  });
}

/** Replayed reasoning: its text, its summary, or what answers of ours have in `encrypted_content`. */
function readReasoning(item: Fields, to: Conversation): void {
  const texts = (key: string) =>
    readItems(item, key, MAX_PARTS, (part) => readString(part, 'text') ?? '')?.join('');
  const text = texts('content') || texts('summary') || readString(item, 'encrypted_content');
  if (text) to.thinking = (to.thinking ?? '') + text;
}

const READERS: Record<string, (item: Fields, to: Conversation) => void> = {
  message: readMessage,
  function_call: readCall,
  function_call_output: readCallOutput,
  custom_tool_call: (item, to) => readCall(item, to, (call) => ({ input: readString(call, 'input') ?? '' })),
  custom_tool_call_output: readCallOutput,
  reasoning: readReasoning,
};

function readItem(item: Fields, to: Conversation): void {
  const type = readString(item, 'type') ?? 'message';
  if (!Object.hasOwn(READERS, type)) {
    throw badValue(pathOf(item, 'type'), `items of type "${type}" are not supported.`);
  }
  READERS[type]!(item, to);
}

/**
 * Reads `instructions` and `input`.
 * @throws GatewayError 400 that names the field, for items that a server without memory cannot resolve, too
 */
export function readInput(body: Fields): NativeMessage[] {
  const to: Conversation = { messages: [], turn: undefined, thinking: undefined, names: new Map() };
  const instructions = readString(body, 'instructions');
  if (instructions) to.messages.push({ role: 'system', content: instructions });
  const input = readValue(body, 'input');
  if (input === undefined) throw missingField('input');
  if (typeof input === 'string') return [...to.messages, { role: 'user', content: input }];
  const items = readItems(body, 'input', MAX_MESSAGES, (item) => readItem(item, to)) ?? [];
  if (items.length === 0) throw badValue('input', 'must not be empty.');
  return to.messages;
}
