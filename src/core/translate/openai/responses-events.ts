/**
 * A response as it comes about: native chunks in, OpenAI's events out, in the order that its clients insist on. Whole
 * answers are the state at the end of the same way.
 */
import { chunkText, chunkThinking, isDone } from '../chunk.js';
import type { NativeChunk, ReplyContext } from '../types.js';
import type { JsonObject } from '../validate.js';
import { chatLogprobs, type OpenAIToolCall, toolCalls } from './chat-parts.js';
import { callIds, itemId } from './ids.js';
import {
  callItem,
  customCallItem,
  type ItemStatus,
  inputOf,
  messageItem,
  type OutputItem,
  type OutputText,
  outputText,
  type ResponseOptions,
  type ResponseState,
  reasoningItem,
  responseObject,
} from './responses-object.js';

/** Without its `sequence_number`, which the stream gives. */
export type ResponseEvent = JsonObject & { type: string };

/** What the events about each kind of part are called. */
const PART = { message: 'response.content_part', reasoning: 'response.reasoning_summary_part' } as const;
const TEXT = { message: 'response.output_text', reasoning: 'response.reasoning_summary_text' } as const;

export interface ResponseRun {
  /** The first two events, before anything else. */
  begin(): ResponseEvent[];
  write(chunk: NativeChunk): ResponseEvent[];
  /** The one last event. */
  end(): ResponseEvent[];
  /** Instead of `end`. */
  fail(error: { code: string; message: string }): ResponseEvent[];
  /** The response as it stands. */
  object(): ReturnType<typeof responseObject>;
}

/** An item that grows: a text in its one part. */
interface OpenItem {
  kind: 'message' | 'reasoning';
  id: string;
  text: string[];
  logprobs: OutputText['logprobs'];
}

export function responseRun(context: ReplyContext, options: ResponseOptions): ResponseRun {
  const state: ResponseState = { status: 'in_progress', output: [] };
  const idOf = callIds();
  let open: OpenItem | undefined;
  let calls = 0;

  const object = () => responseObject(state, context, options);
  const lifecycle = (type: string): ResponseEvent => ({ type: `response.${type}`, response: object() });

  /** Events about the item that is open: the next one of the output. */
  const about = ({ kind, id }: OpenItem) => ({
    item_id: id,
    output_index: state.output.length,
    ...(kind === 'message' ? { content_index: 0 } : { summary_index: 0 }),
  });

  function partOf({ kind, text, logprobs }: OpenItem) {
    const whole = text.join('');
    return kind === 'message' ? outputText(whole, logprobs) : { type: 'summary_text' as const, text: whole };
  }

  function itemOf(item: OpenItem, status: ItemStatus): OutputItem {
    const part = partOf(item);
    return part.type === 'output_text'
      ? messageItem(item.id, status, [part])
      : reasoningItem(item.id, [part], options);
  }

  function start(kind: OpenItem['kind']): ResponseEvent[] {
    const id = itemId(kind === 'message' ? 'msg' : 'rs');
    open = { kind, id, text: [], logprobs: [] };
    const item =
      kind === 'message' ? messageItem(id, 'in_progress', []) : { id, type: 'reasoning', summary: [] };
    return [
      { type: 'response.output_item.added', output_index: state.output.length, item },
      { type: `${PART[kind]}.added`, ...about(open), part: partOf(open) },
    ];
  }

  /** Ends the open item, if there is one. */
  function close(status: ItemStatus = 'completed'): ResponseEvent[] {
    if (!open) return [];
    const part = partOf(open);
    const item = itemOf(open, status);
    const said =
      part.type === 'output_text' ? { text: part.text, logprobs: part.logprobs } : { text: part.text };
    const events: ResponseEvent[] = [
      { type: `${TEXT[open.kind]}.done`, ...about(open), ...said },
      { type: `${PART[open.kind]}.done`, ...about(open), part },
      { type: 'response.output_item.done', output_index: state.output.length, item },
    ];
    state.output.push(item);
    open = undefined;
    return events;
  }

  function add(
    kind: OpenItem['kind'],
    delta: string,
    logprobs: OutputText['logprobs'] = [],
  ): ResponseEvent[] {
    const events = open?.kind === kind ? [] : [...close(), ...start(kind)];
    const item = open!;
    item.text.push(delta);
    item.logprobs.push(...logprobs);
    const said = kind === 'message' ? { delta, logprobs } : { delta };
    return [...events, { type: `${TEXT[kind]}.delta`, ...about(item), ...said }];
  }

  /** A call comes whole: all events of its item at once. */
  function addCall(call: OpenAIToolCall): ResponseEvent[] {
    const { name, arguments: args } = call.function;
    if (options.custom.has(name)) return addCustomCall(call, inputOf(args));
    const id = itemId('fc');
    const namespace = options.namespaces.get(name);
    const item = callItem(id, 'completed', call, args, namespace);
    const where = { item_id: id, output_index: state.output.length };
    const { output_index } = where;
    state.output.push(item);
    calls += 1;
    return [
      {
        type: 'response.output_item.added',
        output_index,
        item: callItem(id, 'in_progress', call, '', namespace),
      },
      { type: 'response.function_call_arguments.delta', ...where, delta: args },
      { type: 'response.function_call_arguments.done', ...where, name, arguments: args },
      { type: 'response.output_item.done', output_index, item },
    ];
  }

  function addCustomCall(call: OpenAIToolCall, input: string): ResponseEvent[] {
    const id = itemId('ctc');
    const item = customCallItem(id, 'completed', call, input);
    const output_index = state.output.length;
    const where = { item_id: id, output_index };
    state.output.push(item);
    calls += 1;
    return [
      { type: 'response.output_item.added', output_index, item: customCallItem(id, 'in_progress', call, '') },
      { type: 'response.custom_tool_call_input.delta', ...where, delta: input },
      { type: 'response.custom_tool_call_input.done', ...where, input },
      { type: 'response.output_item.done', output_index, item },
    ];
  }

  return {
    object,
    begin: () => [lifecycle('created'), lifecycle('in_progress')],

    write(chunk) {
      const events: ResponseEvent[] = [];
      const thinking = chunkThinking(chunk);
      if (thinking !== '') events.push(...add('reasoning', thinking));
      const text = chunkText(chunk);
      const logprobs = chunk.logprobs?.length ? (chatLogprobs(chunk, options)?.content ?? []) : [];
      // Logprobs may come with no text, and belong to the answer all the same.
      if (text !== '' || (logprobs.length > 0 && thinking === '')) {
        events.push(...add('message', text, logprobs));
      }
      const wanted = toolCalls(chunk, options, idOf, calls);
      if (wanted.length > 0) events.push(...close(), ...wanted.flatMap(addCall));
      if (isDone(chunk)) state.final = chunk;
      return events;
    },

    end() {
      const cut = state.final?.done_reason === 'length';
      // An answer of nothing is a message without text.
      const empty = !open && state.output.length === 0 ? start('message') : [];
      const events = [...empty, ...close(cut ? 'incomplete' : 'completed')];
      state.status = cut ? 'incomplete' : 'completed';
      return [...events, lifecycle(state.status)];
    },

    fail(error) {
      if (open) state.output.push(itemOf(open, 'incomplete'));
      open = undefined;
      state.error = error;
      state.status = 'failed';
      return [lifecycle('failed')];
    },
  };
}
