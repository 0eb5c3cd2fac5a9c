import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/core/errors.js';
import { type NativeChunk, readResponse } from '../../../src/core/translate/index.js';
import { CONTEXT, linesOf, recorded, recording, replyOf, requestOf } from '../recordings.js';

interface Item {
  id: string;
  type: string;
  status?: string;
  content?: { text: string }[];
  [key: string]: unknown;
}
interface Response {
  id: string;
  status: string;
  output: Item[];
  [key: string]: unknown;
}
interface Event {
  type: string;
  sequence_number: number;
  output_index?: number;
  item_id?: string;
  item?: Item;
  response?: Response;
  [key: string]: unknown;
}

const context = { ...CONTEXT, model: 'gpt-4' };

function encoderFor(body: object = {}) {
  return readResponse({ model: 'gpt-4', input: 'Hello!', stream: true, ...body }).encoder(context);
}

function parsed(stream: string): Event[] {
  return stream
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [name, data, ...rest] = block.split('\n');
      expect(rest).toEqual([]);
      const event = JSON.parse(data!.slice('data: '.length)) as Event;
      expect(name).toBe(`event: ${event.type}`);
      return event;
    });
}

const chunk = (message: object, more: object = {}): NativeChunk => ({
  model: 'llama2',
  message: { role: 'assistant', content: '', ...message },
  done: false,
  ...more,
});
const done = (more: object = {}) => chunk({}, { done: true, done_reason: 'stop', ...more });
const call = (city: string, id = 'call_x') => ({
  tool_calls: [{ id, function: { index: 0, name: 'get_weather', arguments: { city } } }],
});

function stream(chunks: NativeChunk[], body: object = {}): Event[] {
  const encoder = encoderFor(body);
  return parsed(chunks.map((one) => encoder.write(0, one)).join('') + encoder.end());
}

const wholeOf = (value: NativeChunk, body: object = {}) =>
  readResponse({ model: 'gpt-4', input: 'Hello!', ...body }).whole([{ value }], context) as Response;

const TEXT = [
  'response.output_item.added',
  'response.content_part.added',
  'response.output_text.delta',
  'response.output_text.done',
  'response.content_part.done',
  'response.output_item.done',
];
const REASONING = TEXT.map((type) =>
  type.replace('content_part', 'reasoning_summary_part').replace('output_text', 'reasoning_summary_text'),
);
const CALL = [
  'response.output_item.added',
  'response.function_call_arguments.delta',
  'response.function_call_arguments.done',
  'response.output_item.done',
];

describe('a streamed response', () => {
  const events = stream([
    chunk({ thinking: 'Hm.' }),
    chunk({ content: 'Let me look.' }),
    chunk(call('Paris')),
    chunk(call('Rome')),
    done({ prompt_eval_count: 5, eval_count: 7, prompt_eval_cached_count: 9 }),
  ]);
  const last = events.at(-1)!;

  it("has OpenAI's events in their order", () => {
    const expected = ['response.created', 'response.in_progress', ...REASONING, ...TEXT, ...CALL, ...CALL];
    expect(events.map(({ type }) => type)).toEqual([...expected, 'response.completed']);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i));
  });

  it('gives each item a place and an id of its own, and each event those of its item', () => {
    const added = events.filter(({ type }) => type === 'response.output_item.added');
    expect(added.map((event) => event.output_index)).toEqual([0, 1, 2, 3]);
    expect(added.map(({ item }) => item!.id.split('_')[0])).toEqual(['rs', 'msg', 'fc', 'fc']);
    const ids = added.map(({ item }) => item!.id);
    expect(new Set(ids).size).toBe(4);
    for (const { item_id, output_index } of events.filter((event) => event.item_id !== undefined)) {
      expect(item_id).toBe(ids[output_index!]);
    }
    const calls = last.response!.output.filter(({ type }) => type === 'function_call');
    expect(new Set(calls.map(({ call_id }) => call_id)).size).toBe(2);
  });

  it('ends with the whole response', () => {
    expect(last.response).toMatchObject({
      status: 'completed',
      model: 'gpt-4',
      error: null,
      incomplete_details: null,
      usage: {
        input_tokens: 5,
        input_tokens_details: { cached_tokens: 5 },
        output_tokens: 7,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 12,
      },
    });
    const finished = events
      .filter(({ type }) => type === 'response.output_item.done')
      .map(({ item }) => item);
    expect(last.response!.output).toEqual(finished);
    expect(events[0]!.response).toMatchObject({ id: last.response!.id, status: 'in_progress', output: [] });
    expect(events[0]!.response!.usage).toBeNull();
  });

  it('is the whole answer, but for its ids', () => {
    const message = {
      thinking: 'Hm.',
      content: 'Let me look.',
      tool_calls: [...call('Paris').tool_calls, ...call('Rome', 'call_y').tool_calls],
    };
    const whole = wholeOf(
      done({ message, prompt_eval_count: 5, eval_count: 7, prompt_eval_cached_count: 9 }),
    );
    expect(masked(whole)).toEqual(masked(last.response!));
  });

  it('says `incomplete` where the answer was cut', () => {
    const cut = stream([chunk({ content: 'In' }), done({ done_reason: 'length' })]);
    expect(cut.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: {
        status: 'incomplete',
        completed_at: null,
        incomplete_details: { reason: 'max_output_tokens' },
        output: [{ type: 'message', status: 'incomplete', content: [{ text: 'In' }] }],
      },
    });
  });

  it('has one empty message where nothing was said', () => {
    expect(stream([done()]).at(-1)!.response!.output).toMatchObject([
      { type: 'message', status: 'completed', content: [{ type: 'output_text', text: '' }] },
    ]);
  });

  it.each([
    ['before anything', [], 0],
    ['after a text', [chunk({ content: 'Hi' })], 1],
    ['after a call', [chunk(call('Paris'))], 1],
  ])('fails with one last event, %s', (_, chunks, items) => {
    const encoder = encoderFor();
    const written = chunks.map((one) => encoder.write(0, one)).join('');
    const error = new GatewayError('upstream_error', { message: 'it broke' });
    const failed = parsed(written + encoder.fail(error));
    expect(failed[0]!.type).toBe('response.created');
    expect(failed.at(-1)).toMatchObject({
      type: 'response.failed',
      response: {
        status: 'failed',
        error: { code: 'server_error', message: 'it broke' },
        completed_at: null,
      },
    });
    expect(failed.at(-1)!.response!.output).toHaveLength(items);
    expect(failed.filter(({ type }) => /failed|completed|incomplete/.test(type))).toHaveLength(1);
  });

  it('tells a prompt that is too long from a fault of the server', () => {
    const encoder = encoderFor();
    const failed = parsed(encoder.fail(new GatewayError('context_length_exceeded')));
    expect(failed.at(-1)!.response!.error).toMatchObject({ code: 'context_length_exceeded' });
  });

  it('gives one call where they must not be parallel', () => {
    const one = stream([chunk(call('Paris')), chunk(call('Rome')), done()], { parallel_tool_calls: false });
    expect(one.at(-1)!.response!.output).toHaveLength(1);
  });

  it('gives logprobs with their text to those who asked', () => {
    const logprobs = [{ token: 'Hi', logprob: -0.5, bytes: [72, 105] }];
    const chunks = [chunk({ content: 'Hi' }, { logprobs }), done()];
    const shown = [{ token: 'Hi', logprob: -0.5, bytes: [72, 105], top_logprobs: [] }];
    const asked = stream(chunks, { include: ['message.output_text.logprobs'] });
    expect(asked.find(({ type }) => type === 'response.output_text.delta')!.logprobs).toEqual(shown);
    expect(asked.at(-1)!.response!.output[0]!.content).toMatchObject([{ logprobs: shown }]);
    expect(stream(chunks).at(-1)!.response!.output[0]!.content).toMatchObject([{ logprobs: [] }]);
  });

  it('repeats reasoning as `encrypted_content` for clients that replay that alone', () => {
    const chunks = [chunk({ thinking: 'Hm.' }), done()];
    const [item] = stream(chunks, { include: ['reasoning.encrypted_content'] }).at(-1)!.response!.output;
    expect(item).toMatchObject({ summary: [{ text: 'Hm.' }], encrypted_content: 'Hm.' });
    expect(stream(chunks).at(-1)!.response!.output[0]).not.toHaveProperty('encrypted_content');
  });

  it('repeats what the request said', () => {
    const said = {
      instructions: 'Be short.',
      temperature: 0,
      max_output_tokens: 5,
      metadata: { a: '1' },
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: true }],
      tool_choice: 'none',
      truncation: 'auto',
      user: 'u',
    };
    expect(wholeOf(done(), said)).toMatchObject({ ...said, store: false, previous_response_id: null });
  });
});

/** Ids and dates differ from run to run. */
function masked(response: Response) {
  const item = ({ call_id, ...rest }: Item) => ({
    ...rest,
    id: 'id',
    ...(call_id ? { call_id: 'call' } : {}),
  });
  return { ...response, id: 'id', created_at: 0, completed_at: 0, output: response.output.map(item) };
}

/** Where Ollama departs from OpenAI in a response; what it should have said. */
const DIFFERENCES: { why: string; mend(theirs: Response): void }[] = [
  {
    why: 'an answer cut by `max_output_tokens` is incomplete, and so is its last item',
    mend(theirs) {
      if (theirs.max_output_tokens === null) return;
      theirs.status = 'incomplete';
      theirs.incomplete_details = { reason: 'max_output_tokens' };
      theirs.output.at(-1)!.status = 'incomplete';
    },
  },
  {
    why: 'sampling that was not asked for is not forced to 1, and not known here',
    mend: (theirs) => Object.assign(theirs, { temperature: null, top_p: null }),
  },
  {
    why: 'OpenAI always has an object for reasoning, with both its fields',
    mend(theirs) {
      theirs.reasoning = { effort: null, summary: null, ...(theirs.reasoning as object | null) };
    },
  },
  { why: 'OpenAI repeats `user`', mend: (theirs) => Object.assign(theirs, { user: null }) },
  {
    why: '`encrypted_content` is for those who include it',
    mend(theirs) {
      for (const item of theirs.output) delete item.encrypted_content;
    },
  },
  {
    why: 'tools are repeated as they were sent',
    mend(theirs) {
      for (const tool of theirs.tools as Item[]) if (tool.strict === null) delete tool.strict;
    },
  },
];

describe('against a recorded response', () => {
  const names = recorded('responses', 'responses.stream');
  /** The same request to `/api/chat`: its native answer. */
  const NATIVE: Record<string, string> = {
    'resp-hello': 'chat-hello',
    'resp-max': 'chat-max',
    'resp-system': 'chat-system',
    'resp-think': 'chat-think',
    'resp-tool': 'chat-tool',
  };
  /** `resp-json` is sampled at temperature 1; its numbers are noise. */
  const compared = names.filter((name) => Object.hasOwn(NATIVE, name));

  function ours(name: string): { exchange: ReturnType<typeof readResponse>; events: Event[] } {
    const exchange = readResponse(requestOf(`${name}.responses.stream`));
    const encoder = exchange.encoder({ ...CONTEXT, model: exchange.model });
    const lines = linesOf(recording(`${NATIVE[name]}.native.stream`).response.body);
    const written = lines.map(({ chunk: one }) => encoder.write(0, one)).join('') + encoder.end();
    return { exchange, events: parsed(written) };
  }

  it('covers all of them', () => {
    expect(names.filter((name) => !compared.includes(name))).toEqual(['resp-json']);
  });

  it.each(compared)('%s is the same response', (name) => {
    const theirs = replyOf(`${name}.responses`) as unknown as Response;
    for (const { mend } of DIFFERENCES) mend(theirs);
    expect(masked(ours(name).events.at(-1)!.response!)).toEqual(masked(theirs));
  });

  /** Events without ids; deltas joined, as tokens differ in their cuts. */
  function said(events: Event[]): unknown[] {
    return events.map(({ type, item_id, sequence_number, item, response, ...rest }) => ({
      type,
      ...rest,
      ...(item ? { item: { ...item, id: 'id', call_id: 'call', status: '' } } : {}),
      ...(response ? { status: '' } : {}),
    }));
  }

  it.each(compared)('%s is the same stream of events', (name) => {
    const theirs = parsed(recording(`${name}.responses.stream`).response.body);
    const mended = said(theirs) as Event[];
    const own = (said(ours(name).events) as Event[])
      // Ollama leaves these out, on which openai's helper throws.
      .filter(({ type }) => !type.includes('reasoning_summary_part'))
      // OpenAI names the function here, Ollama does not.
      .map(({ name: _name, ...rest }) => rest)
      .map((event) =>
        event.type === 'response.incomplete' ? { ...event, type: 'response.completed' } : event,
      );
    for (const { item } of mended) delete item?.encrypted_content;
    expect(own).toEqual(mended);
  });

  it.each(names)('%s asks for the same', (name) => {
    const { request } = readResponse(requestOf(`${name}.responses`)).calls[0]!;
    const native = NATIVE[name] ?? 'chat-schema';
    const { stream: _stream, ...theirs } = requestOf(`${native}.native`) as Record<string, unknown>;
    // The recordings differ in how thinking is asked for; and a response is not cut silently.
    expect({ ...request, think: undefined }).toEqual({ ...theirs, think: undefined, truncate: false });
  });
});
