import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/core/errors.js';
import { type NativeChunk, parseChunk, readChatCompletion } from '../../../src/core/translate/index.js';
import { CONTEXT, eventsOf } from '../recordings.js';

interface Event {
  id: string;
  created: number;
  model: string;
  choices: {
    index: number;
    delta: Record<string, unknown>;
    logprobs: unknown;
    finish_reason: string | null;
  }[];
  usage?: object | null;
}

const context = { ...CONTEXT, model: 'gpt-4', renamed: true };
const read = (fields: object = {}) =>
  readChatCompletion({ model: 'gpt-4', messages: [{ role: 'user', content: 'a' }], stream: true, ...fields });
const say = (content: string, more: object = {}): NativeChunk => ({
  model: 'llama2:70b',
  message: { role: 'assistant', content, ...more },
  done: false,
});
const end = (reason: string | undefined, more: object = {}): NativeChunk => ({
  ...say('', more),
  done: true,
  done_reason: reason,
  prompt_eval_count: 5,
  eval_count: 2,
});
const call = (name: string, id?: string) => ({ id, function: { index: 0, name, arguments: {} } });

/** The text of a stream of one choice. */
function write(fields: object, ...chunks: NativeChunk[]): string {
  const encoder = read(fields).encoder(context);
  return chunks.map((chunk) => encoder.write(0, chunk)).join('') + encoder.end();
}
const events = (text: string) => eventsOf(text).filter((event) => event !== '[DONE]') as Event[];
const deltas = (fields: object, ...chunks: NativeChunk[]) =>
  events(write(fields, ...chunks)).map(({ choices }) => choices[0]?.delta);
const finishes = (fields: object, ...chunks: NativeChunk[]) =>
  events(write(fields, ...chunks)).flatMap(({ choices }) => choices.map((one) => one.finish_reason));

const ROLE = { role: 'assistant', content: '', refusal: null };

describe('a streamed chat completion', () => {
  it('is the sequence that OpenAI sends', () => {
    const text = write({ stream_options: { include_usage: true } }, say('Hi'), say('!'), end('stop'));
    const parsed = events(text);
    const { id } = parsed[0]!;
    const common = {
      id,
      object: 'chat.completion.chunk',
      created: context.created,
      model: 'gpt-4',
      system_fingerprint: 'fp_ollama',
    };
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      ...common,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
      usage: null,
    });
    expect(id).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
    expect(parsed).toEqual([
      chunk(ROLE),
      chunk({ content: 'Hi' }),
      chunk({ content: '!' }),
      chunk({}, 'stop'),
      { ...common, choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } },
    ]);
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
  });

  it('has no usage that was not asked for', () => {
    const text = write({}, say('Hi'), end('stop'));
    expect(text).not.toContain('usage');
    expect(write({ stream_options: { include_usage: false } }, end('stop'))).not.toContain('usage');
  });

  it('has headers that keep proxies from holding it back, and heartbeats', () => {
    const encoder = read().encoder(context);
    expect(encoder.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8' });
    expect(encoder.heartbeat).toBe(':\n');
  });

  it('has one id for all its events, and another than the next', () => {
    const ids = () => new Set(events(write({}, say('a'), say('b'), end('stop'))).map(({ id }) => id));
    const [one, other] = [ids(), ids()];
    expect(one.size).toBe(1);
    expect([...one]).not.toEqual([...other]);
  });

  it('never carries an empty text but in the role, nor the name of the upstream', () => {
    expect(deltas({}, say(''), say('a'), say(''), end('stop'))).toEqual([ROLE, { content: 'a' }, {}]);
    expect(write({}, say('a'), end('stop'))).not.toContain('llama2');
  });

  it('gives text that comes with the end before the finish', () => {
    const last = { ...end('stop'), message: { role: 'assistant', content: 'z' } };
    expect(deltas({}, last)).toEqual([ROLE, { content: 'z' }, {}]);
  });

  it('gives reasoning first, under both its names', () => {
    expect(deltas({}, say('a', { thinking: 'hm' }), end('stop'))).toEqual([
      ROLE,
      { reasoning: 'hm', reasoning_content: 'hm' },
      { content: 'a' },
      {},
    ]);
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    [undefined, 'stop'],
    ['repeat', 'stop'],
    ['load', 'stop'],
    ['unload', 'stop'],
  ])('finishes %s as %s', (reason, finish) => {
    expect(finishes({}, say('a'), end(reason))).toEqual([null, null, finish]);
    const whole = read().whole([{ value: end(reason) }], context) as { choices: { finish_reason: string }[] };
    expect(whole.choices[0]?.finish_reason).toBe(finish);
  });

  it('takes done_reason without done for the end', () => {
    expect(finishes({}, { message: { role: 'assistant', content: '' }, done_reason: 'length' })).toEqual([
      null,
      'length',
    ]);
  });

  it('ends with `length` where the gateway made the last chunk', () => {
    expect(
      finishes({}, say('a'), {
        message: { role: 'assistant', content: '' },
        done: true,
        done_reason: 'length',
      }),
    ).toEqual([null, null, 'length']);
  });

  it('fails with one event, no finish and no [DONE]', () => {
    const encoder = read().encoder(context);
    const text =
      encoder.write(0, say('a')) + encoder.fail(new GatewayError('upstream_error', { message: 'x' }));
    expect(eventsOf(text).at(-1)).toEqual({
      error: { message: 'x', type: 'server_error', param: null, code: 'upstream_error' },
    });
    expect(text).not.toContain('[DONE]');
    expect(text).not.toContain('"finish_reason":"');
  });

  it('leaves out logprobs that are none', () => {
    const good = { token: 'a', logprob: -1, top_logprobs: [null, { token: 'b', logprob: -2 }] };
    const odd = [null, 7, 'x', [null], [{ logprob: -1 }], [good]].map((logprobs) => ({
      ...say('a'),
      logprobs,
    }));
    const written = events(write({ logprobs: true }, ...(odd as NativeChunk[]), end('stop')));
    const items = written.flatMap(
      ({ choices }) => (choices[0]?.logprobs as { content: object[] } | null)?.content ?? [],
    );
    const top_logprobs = [{ token: 'b', logprob: -2, bytes: null }];
    expect(items).toEqual([{ token: 'a', logprob: -1, bytes: null, top_logprobs }]);
  });

  it('carries any text, on one line of data each', () => {
    const odd = ['\u2028\u2029\u0085', '\u0000', '\ud83d', '</script>', 'data: [DONE]\n\n', '\r\n'];
    const anything = fc.oneof(fc.constantFrom(...odd), fc.string({ unit: 'binary', minLength: 1 }));
    fc.assert(
      fc.property(anything, (content) => {
        const line = Buffer.from(`${JSON.stringify(say(content))}\n`);
        const text = write({}, parseChunk(line), end('stop'));
        expect(events(text)[1]?.choices[0]?.delta).toEqual({ content });
        expect(text.split('\n\n').every((event) => !/[\r\n]/.test(event))).toBe(true);
      }),
    );
  });
});

describe('streamed tool calls', () => {
  const tools = ['f', 'g', 'h'].map((name) => ({ type: 'function', function: { name } }));
  const indices = (fields: object, ...chunks: NativeChunk[]) =>
    deltas({ tools, ...fields }, ...chunks).flatMap((delta) =>
      ((delta?.tool_calls ?? []) as { index: number; id: string }[]).map(({ index, id }) => [index, id]),
    );

  it('come whole, with all that openai-node reads', () => {
    expect(deltas({ tools }, say('', { tool_calls: [call('f', 'a')] }), end('stop'))).toEqual([
      ROLE,
      { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      {},
    ]);
  });

  it('are numbered densely though the upstream says 0 for each, in one chunk or several', () => {
    const several = [
      say('', { tool_calls: [call('f', 'a'), call('g', 'b')] }),
      say('', { tool_calls: [call('h', 'c')] }),
    ];
    expect(indices({}, ...several, end('stop'))).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ]);
  });

  it('get ids of their own where the upstream repeats them or has none', () => {
    const ids = indices(
      {},
      say('', { tool_calls: [call('f', 'a'), call('g', 'a'), call('h')] }),
      end('stop'),
    ).map(([, id]) => id);
    expect(ids[0]).toBe('a');
    expect(new Set(ids).size).toBe(3);
  });

  it('are given before the finish where they come with the end', () => {
    expect(finishes({ tools }, end('stop', { tool_calls: [call('f', 'a')] }))).toEqual([
      null,
      null,
      'tool_calls',
    ]);
  });

  it('finish as `tool_calls` however much later the end comes, cut short as `length`', () => {
    const chunks = [say('', { tool_calls: [call('f', 'a')] }), say('text')];
    expect(finishes({ tools }, ...chunks, end('stop')).at(-1)).toBe('tool_calls');
    expect(finishes({ tools }, ...chunks, end('length')).at(-1)).toBe('length');
  });

  it('are one where they must not be parallel', () => {
    const chunks = [
      say('', { tool_calls: [call('f', 'a'), call('g', 'b')] }),
      say('', { tool_calls: [call('h', 'c')] }),
    ];
    expect(indices({ parallel_tool_calls: false }, ...chunks, end('stop'))).toEqual([[0, 'a']]);
  });

  it('are one `function_call` for those who asked with functions', () => {
    const functions = [{ name: 'f' }];
    const chunks = [
      say('', { tool_calls: [call('f', 'a')] }),
      say('', { tool_calls: [call('f', 'b')] }),
      end('stop'),
    ];
    expect(deltas({ functions }, ...chunks)).toEqual([
      ROLE,
      { function_call: { name: 'f', arguments: '{}' } },
      {},
    ]);
    expect(finishes({ functions }, ...chunks).at(-1)).toBe('function_call');
  });

  it('keep the digits of big numbers', () => {
    const args = '{"n":9007199254740993,"f":1.0}';
    const line = `{"message":{"role":"assistant","content":"","tool_calls":[{"id":"a","function":{"name":"f","arguments":${args}}}]},"done":true}`;
    const chunk = parseChunk(Buffer.from(line));
    expect(deltas({ tools }, chunk)[1]).toMatchObject({ tool_calls: [{ function: { arguments: args } }] });
    const whole = read({ tools }).whole([{ value: chunk }], context);
    expect(whole).toMatchObject({
      choices: [{ message: { tool_calls: [{ function: { arguments: args } }] } }],
    });
  });
});

describe('logprobs', () => {
  const given = [{ token: 'a', logprob: -0.5, top_logprobs: [{ token: 'b', logprob: -1, bytes: [98] }] }];
  const shown = {
    content: [
      { token: 'a', logprob: -0.5, bytes: null, top_logprobs: [{ token: 'b', logprob: -1, bytes: [98] }] },
    ],
    refusal: null,
  };
  const choices = (fields: object, ...chunks: NativeChunk[]) =>
    events(write(fields, ...chunks)).map(({ choices: [choice] }) => [
      choice?.delta.content,
      choice?.logprobs,
    ]);

  it('come with their text, or alone where there is none', () => {
    const chunks = [{ ...say('a'), logprobs: given }, { ...say(''), logprobs: given }, end('stop')];
    expect(choices({ logprobs: true }, ...chunks)).toEqual([
      ['', null],
      ['a', shown],
      ['', shown],
      [undefined, null],
    ]);
  });

  it('of reasoning come with it', () => {
    const [, thought] = choices(
      { logprobs: true },
      { ...say('', { thinking: 'a' }), logprobs: given },
      end('stop'),
    );
    expect(thought).toEqual([undefined, shown]);
  });

  it('are not shown to those who did not ask', () => {
    expect(
      choices({}, { ...say('a'), logprobs: given }, end('stop')).every(([, logprobs]) => logprobs === null),
    ).toBe(true);
  });

  it('have no alternatives but an empty list', () => {
    const value = { ...end('stop'), logprobs: [{ token: 'a', logprob: -1, bytes: [97] }] };
    expect(read({ logprobs: true }).whole([{ value }], context)).toMatchObject({
      choices: [{ logprobs: { content: [{ token: 'a', bytes: [97], top_logprobs: [] }], refusal: null } }],
    });
  });
});

describe('several choices', () => {
  it('have their own role and finish each, and one usage for all', () => {
    const encoder = read({ n: 2, stream_options: { include_usage: true } }).encoder(context);
    const text = [0, 1].flatMap((index) => [
      encoder.write(index, say(`${index}`)),
      encoder.write(index, end('stop')),
    ]);
    const parsed = events(text.join('') + encoder.end());
    expect(
      parsed.map(({ choices }) =>
        choices.map(({ index, delta, finish_reason }) => [index, delta, finish_reason]),
      ),
    ).toEqual([
      ...[0, 1].flatMap((index) => [
        [[index, ROLE, null]],
        [[index, { content: `${index}` }, null]],
        [[index, {}, 'stop']],
      ]),
      [],
    ]);
    expect(parsed.at(-1)?.usage).toEqual({ prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 });
  });

  it('have indexes and one sum of usage in a whole reply', () => {
    const answers = ['a', 'b'].map((content) => ({
      value: { ...end('stop'), message: { role: 'assistant', content } },
    }));
    expect(read({ n: 2 }).whole(answers, context)).toMatchObject({
      object: 'chat.completion',
      model: 'gpt-4',
      choices: [
        { index: 0, message: { content: 'a' } },
        { index: 1, message: { content: 'b' } },
      ],
      usage: { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 },
    });
  });
});

describe('usage', () => {
  const usageOf = (value: NativeChunk) => (read().whole([{ value }], context) as { usage: object }).usage;

  it('takes absent counts for zero', () => {
    expect(usageOf({ done: true })).toEqual({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
  });

  it('shows what was cached where the server says so, never more than there was', () => {
    const counts = { done: true, prompt_eval_count: 5, eval_count: 1 };
    expect(usageOf({ ...counts, prompt_eval_cached_count: 3 })).toMatchObject({
      prompt_tokens_details: { cached_tokens: 3 },
    });
    expect(usageOf({ ...counts, prompt_eval_cached_count: 9 })).toMatchObject({
      prompt_tokens_details: { cached_tokens: 5 },
    });
  });
});
