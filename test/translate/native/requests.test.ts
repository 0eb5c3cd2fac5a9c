import { describe, expect, it } from 'vitest';
import {
  readNativeChat,
  readNativeEmbed,
  readNativeEmbeddings,
  readNativeGenerate,
  readNativeShow,
} from '../../../src/core/translate/index.js';

const messages = [{ role: 'user', content: 'Hello!' }];
const chat = (fields: object) => readNativeChat({ model: 'tiny', messages, ...fields });
const generate = (fields: object) => readNativeGenerate({ model: 'tiny', prompt: 'Hello!', ...fields });
const requestOf = (exchange: ReturnType<typeof readNativeChat>) => exchange.calls[0]?.request;
const bad = (param: string | null) => expect.objectContaining({ status: 400, param });

describe('a native request', () => {
  it('streams unless told otherwise, and never carries `stream` itself', () => {
    expect(chat({}).stream).toBe(true);
    expect(chat({ stream: null }).stream).toBe(true);
    expect(chat({ stream: true }).stream).toBe(true);
    expect(chat({ stream: false }).stream).toBe(false);
    expect(requestOf(chat({ stream: true }))).not.toHaveProperty('stream');
    expect(requestOf(generate({ stream: false }))).not.toHaveProperty('stream');
  });

  it('is rebuilt from known keys in their exact case', () => {
    const body = JSON.parse(
      `{"model":"tiny","MODEL":"secret","Model":"secret","messages":[{"role":"user","content":"a","CONTENT":"b","x":1}],
        "options":{"temperature":0.5,"Temperature":9,"mirostat":2,"num_gpu_layers":1},"OPTIONS":{"num_ctx":9},
        "_debug_render_only":true,"temperature":2,"max_output_tokens":7,"tool_choice":"auto","__proto__":{"x":1},
        "constructor":{"prototype":{"x":1}}}`,
    );
    expect(requestOf(readNativeChat(body))).toEqual({
      model: 'tiny',
      messages: [{ role: 'user', content: 'a' }],
      options: { temperature: 0.5 },
    });
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it.each([
    null,
    {},
    { MODEL: 'tiny' },
    { model: '' },
    { model: ' ' },
    { Model: 'tiny', prompt: 'a', messages },
  ])('needs a model: %j', (body) => {
    for (const read of [
      readNativeChat,
      readNativeGenerate,
      readNativeEmbed,
      readNativeEmbeddings,
      readNativeShow,
    ]) {
      expect(() => read(body)).toThrow(
        expect.objectContaining({ status: 400, message: 'model is required' }),
      );
    }
  });

  it.each([[[]], ['x'], [7], [true]])('is an object, not %j', (body) => {
    for (const read of [
      readNativeChat,
      readNativeGenerate,
      readNativeEmbed,
      readNativeEmbeddings,
      readNativeShow,
    ]) {
      expect(() => read(body)).toThrow(bad(null));
    }
  });

  it('passes all known options, of their types', () => {
    const options = {
      num_keep: 1,
      seed: 0,
      num_predict: 5,
      top_k: 40,
      top_p: 0,
      min_p: 0.1,
      typical_p: 1,
      repeat_last_n: -1,
      temperature: 2.5,
      repeat_penalty: 1.1,
      presence_penalty: 0,
      frequency_penalty: -1,
      stop: ['a', 'b'],
      num_ctx: 64,
      num_batch: 2,
      num_gpu: 0,
      main_gpu: 0,
      use_mmap: false,
      num_thread: 2,
      draft_num_predict: 4,
    };
    expect(requestOf(chat({ options }))?.options).toEqual(options);
    expect(chat({ options }).maxTokens).toBe(5);
  });

  it('cuts floats for integer options and leaves out null ones, as Ollama does', () => {
    expect(requestOf(chat({ options: { top_k: 7.9, seed: -1.5, stop: null } }))?.options).toEqual({
      top_k: 7,
      seed: -1,
    });
  });

  it.each([0, -1, -2, 0.5])('takes num_predict %d for no limit', (num_predict) => {
    const exchange = chat({ options: { num_predict } });
    expect(exchange.maxTokens).toBeUndefined();
    expect(requestOf(exchange)).not.toHaveProperty('options');
  });

  it.each([
    [{ temperature: 'hot' }, 'options.temperature'],
    [{ num_ctx: '8k' }, 'options.num_ctx'],
    [{ stop: 'x' }, 'options.stop'],
    [{ stop: [1] }, 'options.stop[0]'],
    [{ use_mmap: 1 }, 'options.use_mmap'],
    [{ seed: 1e300 }, 'options.seed'],
    [{ top_p: Number.POSITIVE_INFINITY }, 'options.top_p'],
    [[], 'options'],
    ['x', 'options'],
  ])('refuses the options %j', (options, param) => {
    expect(() => chat({ options })).toThrow(bad(param));
    expect(() => chat({ options })).toThrow(param);
    expect(() => generate({ options })).toThrow(bad(param));
  });

  it.each([
    [{ think: 'extreme' }, 'think'],
    [{ think: 1 }, 'think'],
    [{ format: 'xml' }, 'format'],
    [{ format: ['json'] }, 'format'],
    [{ keep_alive: 'five minutes' }, 'keep_alive'],
    [{ keep_alive: true }, 'keep_alive'],
    [{ stream: 'yes' }, 'stream'],
    [{ truncate: 1 }, 'truncate'],
    [{ shift: 'x' }, 'shift'],
    [{ logprobs: 2 }, 'logprobs'],
    [{ top_logprobs: 21 }, 'top_logprobs'],
    [{ top_logprobs: -1 }, 'top_logprobs'],
    [{ top_logprobs: 'x' }, 'top_logprobs'],
  ])('refuses %j', (fields, param) => {
    expect(() => chat(fields)).toThrow(bad(param));
    expect(() => generate(fields)).toThrow(bad(param));
  });

  it.each([
    { think: true },
    { think: false },
    { think: 'max' },
    { format: 'json' },
    { format: { type: 'object' } },
    { keep_alive: 0 },
    { keep_alive: -1 },
    { keep_alive: '5m' },
    { keep_alive: '-1s' },
    { keep_alive: '1h30m' },
    { keep_alive: '1.5h' },
    { truncate: false },
    { shift: false },
    { logprobs: true, top_logprobs: 20 },
  ])('passes %j', (fields) => {
    expect(requestOf(chat(fields))).toMatchObject(fields);
    expect(requestOf(generate(fields))).toMatchObject(fields);
  });

  it('leaves out what says nothing', () => {
    expect(requestOf(chat({ format: '', think: null, keep_alive: null, tools: [], options: {} }))).toEqual({
      model: 'tiny',
      messages,
    });
  });
});

describe('native messages', () => {
  const message = (fields: object) =>
    (requestOf(readNativeChat({ model: 'tiny', messages: [fields] }))!.messages as object[])[0];

  it('lower-cases roles and takes no content for an empty one', () => {
    expect(message({ role: 'USER', content: null })).toEqual({ role: 'user', content: '' });
    expect(message({ role: 'assistant' })).toEqual({ role: 'assistant', content: '' });
  });

  it('drops empty lists of images and calls', () => {
    expect(message({ role: 'user', content: 'a', images: [], tool_calls: [] })).toEqual({
      role: 'user',
      content: 'a',
    });
  });

  it('passes reasoning, calls and results; a call without an index has its place', () => {
    const calls = [
      { id: 'a', function: { name: 'f', arguments: { x: 1 } } },
      { function: { index: 4, name: 'g' } },
    ];
    expect(message({ role: 'assistant', content: '', thinking: 'hm', tool_calls: calls })).toEqual({
      role: 'assistant',
      content: '',
      thinking: 'hm',
      tool_calls: [
        { id: 'a', function: { index: 0, name: 'f', arguments: { x: 1 } } },
        { function: { index: 4, name: 'g', arguments: {} } },
      ],
    });
    const result = { role: 'tool', content: '1', tool_name: 'f', tool_call_id: 'a' };
    expect(message(result)).toEqual(result);
  });

  it.each([
    [{ role: 'wizard', content: 'a' }, 'messages[0].role'],
    [{ content: 'a' }, 'messages[0].role'],
    [{ role: 'user', content: [{ type: 'text', text: 'a' }] }, 'messages[0].content'],
    [{ role: 'user', content: 7 }, 'messages[0].content'],
    [{ role: 'user', content: 'a', images: 'x' }, 'messages[0].images'],
    [{ role: 'user', content: 'a', images: [7] }, 'messages[0].images[0]'],
    [{ role: 'user', content: 'a', images: ['data:image/png;base64,AAAA'] }, 'messages[0].images[0]'],
    [{ role: 'user', content: 'a', images: ['AAA'] }, 'messages[0].images[0]'],
    [{ role: 'assistant', tool_calls: [{}] }, 'messages[0].tool_calls[0].function'],
    [{ role: 'assistant', tool_calls: [{ function: {} }] }, 'messages[0].tool_calls[0].function.name'],
    [
      { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] },
      'messages[0].tool_calls[0].function.arguments',
    ],
    ['x', 'messages[0]'],
  ])('refuses %j', (fields, param) => {
    expect(() => readNativeChat({ model: 'tiny', messages: [fields] })).toThrow(bad(param));
  });

  it.each([
    [[{ type: 'custom', function: { name: 'f' } }], 'tools[0].type'],
    [[{ type: 'function' }], 'tools[0].function'],
    [[{ type: 'function', function: {} }], 'tools[0].function.name'],
    [[{ type: 'function', function: { name: 'f', parameters: [] } }], 'tools[0].function.parameters'],
    [{}, 'tools'],
  ])('refuses the tools %j', (tools, param) => {
    expect(() => chat({ tools })).toThrow(bad(param));
  });

  it('refuses long texts that are nearly right', () => {
    const image = `${'\n'.repeat(1_000_000)}AAA!`;
    expect(() => message({ role: 'user', content: '', images: [image] })).toThrow(
      bad('messages[0].images[0]'),
    );
    expect(() => chat({ keep_alive: `${'1'.repeat(1_000_000)}x` })).toThrow(bad('keep_alive'));
  });

  it('takes images with line breaks in their base64, as Go does', () => {
    expect(message({ role: 'user', content: '', images: ['AAAA\r\nAA==\n'] })).toMatchObject({
      images: ['AAAA\r\nAA==\n'],
    });
  });
});

describe('a request that only loads', () => {
  it.each([{}, { messages: [] }, { messages: null }])('is a chat with %j', (fields) => {
    expect(readNativeChat({ model: 'tiny', ...fields })).toMatchObject({ load: true, stream: false });
  });

  it.each([{}, { prompt: '' }, { prompt: null, keep_alive: 0 }])('is a prompt with %j', (fields) => {
    expect(readNativeGenerate({ model: 'tiny', ...fields })).toMatchObject({ load: true, stream: false });
  });

  it('is not any other', () => {
    expect(chat({}).load).toBeUndefined();
    expect(generate({}).load).toBeUndefined();
  });
});

describe('generate', () => {
  it('passes its own fields', () => {
    const own = { suffix: 'b', system: 's', template: 't', context: [1, 2], raw: true, images: ['AAAA'] };
    expect(requestOf(generate(own))).toEqual({ model: 'tiny', prompt: 'Hello!', ...own });
  });

  it.each([
    [{ prompt: ['a'] }, 'prompt'],
    [{ system: 1 }, 'system'],
    [{ suffix: 1 }, 'suffix'],
    [{ template: [] }, 'template'],
    [{ context: ['a'] }, 'context[0]'],
    [{ raw: 'x' }, 'raw'],
    [{ images: [''].concat('A') }, 'images[1]'],
  ])('refuses %j', (fields, param) => {
    expect(() => generate(fields)).toThrow(bad(param));
  });
});

describe('embed', () => {
  it.each([
    [{ input: 7 }, 'input'],
    [{ input: [1, 2] }, 'input[0]'],
    [{ input: ['a', ''] }, 'input[1]'],
    [{ input: 'a', dimensions: 'x' }, 'dimensions'],
    [{ input: 'a', truncate: 'x' }, 'truncate'],
  ])('refuses %j', (fields, param) => {
    expect(() => readNativeEmbed({ model: 'm', ...fields })).toThrow(bad(param));
  });

  it('refuses what is no prompt on the old endpoint', () => {
    expect(() => readNativeEmbeddings({ model: 'm', prompt: ['a'] })).toThrow(bad('prompt'));
  });
});

describe('show', () => {
  it('looks up `model`, else `name`, and asks for that alone', () => {
    const show = { model: 'a', request: { model: 'a', verbose: true } };
    expect(readNativeShow({ model: 'a', name: 'b', verbose: true, system: 'x', MODEL: 'c' })).toEqual(show);
    expect(readNativeShow({ name: 'b' })).toEqual({ model: 'b', request: { model: 'b' } });
    expect(readNativeShow({ model: '', name: 'b' }).model).toBe('b');
  });
});
