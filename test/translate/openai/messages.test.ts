import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readChatCompletion } from '../../../src/core/translate/index.js';

const readAll = (...messages: unknown[]) => readChatCompletion({ model: 'm', messages }).calls[0]!;
const readOne = (message: unknown) => (readAll(message).request.messages as unknown[])[0];
const user = (...content: unknown[]) => readOne({ role: 'user', content });
const bad = (param: string) => expect.objectContaining({ status: 400, param });

const text = (value: string) => ({ type: 'text', text: value });
const image = (url: unknown) => ({ type: 'image_url', image_url: url });
const PNG = 'data:image/png;base64,AAAA';

describe('content', () => {
  it('is a string, or texts joined into one message', () => {
    expect(readOne({ role: 'user', content: 'a' })).toEqual({ role: 'user', content: 'a' });
    expect(user(text('a'))).toEqual({ role: 'user', content: 'a' });
    expect(user(text('a'), text('b'))).toEqual({ role: 'user', content: 'a\nb' });
    expect(user(text('a '), text('b'), text('\nc'), text(''), text('d'))).toEqual({
      role: 'user',
      content: 'a b\nc\nd',
    });
  });

  it('keeps images in their order, beside the text', () => {
    expect(
      user(text('a'), image({ url: PNG, detail: 'high' }), text('b'), image('data:;base64,BBBB')),
    ).toEqual({
      role: 'user',
      content: 'a\nb',
      images: ['AAAA', 'BBBB'],
    });
  });

  it('reads very many parts, and long ones that are wrong', () => {
    const parts = Array.from({ length: 4_096 }, () => text('a'));
    expect(user(...parts)).toMatchObject({ content: `a${'\na'.repeat(4_095)}` });
    expect(() => user(...parts, text('a'))).toThrow(bad('messages[0].content'));
    const url = `data:;base64,${'='.repeat(1_000_000)}x`;
    expect(() => user(image(url))).toThrow(bad('messages[0].content[0].image_url'));
  });

  it.each([
    ['DATA:image/PNG;BASE64,AAAA', 'AAAA'],
    ['data:image/gif;base64,AAAA', 'AAAA'],
    ['data:image/png;charset=x;base64,AAAA', 'AAAA'],
    ['data:image/png;base64,AA', 'AA=='],
    ['data:image/png;base64,AAA', 'AAA='],
    ['data:image/png;base64,AA AA\n', 'AAAA'],
    ['data:image/png;base64,-_A=', '+/A='],
  ])('reads the image %s', (url, data) => {
    expect(user(image({ url }))).toMatchObject({ images: [data] });
  });

  it.each([
    'http://example.com/a.png',
    'https://example.com/a.png',
    'data:image/svg+xml;utf8,<svg/>',
    'data:image/png;base64,',
    'data:image/png;base64,A',
    'data:image/png;base64,%%%%',
    'data:text/html;base64,AAAA',
    'file:///etc/passwd',
    '',
  ])('refuses the image %j', (url) => {
    expect(() => user(image({ url }))).toThrow(bad('messages[0].content[0].image_url.url'));
    expect(() => user(image(url))).toThrow(bad('messages[0].content[0].image_url'));
  });

  it('takes audio where Ollama takes it, and refusals as text', () => {
    expect(user({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } })).toEqual({
      role: 'user',
      content: '',
      images: ['AAAA'],
    });
    expect(readOne({ role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] })).toMatchObject({
      content: 'no',
    });
  });

  it.each([
    [[{ type: 'file', file: {} }], 'messages[0].content[0].type'],
    [[text('a'), { type: 'video' }], 'messages[0].content[1].type'],
    [[{ text: 'a' }], 'messages[0].content[0].type'],
    [['a'], 'messages[0].content[0]'],
    [[{ type: 'text' }], 'messages[0].content[0].text'],
    [[{ type: 'text', text: 7 }], 'messages[0].content[0].text'],
    [[image(undefined)], 'messages[0].content[0].image_url'],
    [[image({})], 'messages[0].content[0].image_url.url'],
    [[{ type: 'input_audio' }], 'messages[0].content[0].input_audio.data'],
    [[], 'messages[0].content'],
    [null, 'messages[0].content'],
    [undefined, 'messages[0].content'],
    [7, 'messages[0].content'],
    [{}, 'messages[0].content'],
  ])('of a user is not %j', (content, param) => {
    expect(() => readOne({ role: 'user', content })).toThrow(bad(param));
  });

  it('keeps any text as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(readOne({ role: 'user', content: value })).toEqual({ role: 'user', content: value });
      }),
    );
  });
});

describe('roles', () => {
  it.each([
    ['system', 'system'],
    ['developer', 'system'],
    ['USER', 'user'],
    ['assistant', 'assistant'],
    ['tool', 'tool'],
    ['function', 'tool'],
  ])('%s is %s', (role, native) => {
    expect(readOne({ role, content: 'a' })).toMatchObject({ role: native, content: 'a' });
  });

  it('keeps the order of messages, and does not merge those of one role', () => {
    const messages = ['system', 'system', 'user', 'user', 'assistant'].map((role, i) => ({
      role,
      content: `${i}`,
    }));
    expect(readAll(...messages).request.messages).toEqual(messages);
  });

  it.each([['wizard'], [''], [undefined], [7]])('refuses %j', (role) => {
    expect(() => readOne({ role, content: 'a' })).toThrow(bad('messages[0].role'));
  });
});

describe('assistant messages', () => {
  it('may come last: the model goes on from them', () => {
    const messages = [
      { role: 'user', content: 'Count.' },
      { role: 'assistant', content: '1, 2,' },
    ];
    const [call] = readChatCompletion({ model: 'm', messages }).calls;
    expect(call?.request.messages).toEqual(messages);
  });

  const call = (args: unknown, more: object = {}) => ({
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: args }, ...more }],
  });
  const argumentsOf = (args: unknown) =>
    (readOne(call(args)) as { tool_calls: { function: { arguments: unknown } }[] }).tool_calls[0]!.function
      .arguments;

  it.each([{ content: null }, { content: '' }, {}, { content: [] }])('may have calls and %j', (content) => {
    const message = { ...call('{"x":1}'), ...content };
    if (!('content' in content)) Reflect.deleteProperty(message, 'content');
    expect(readOne(message)).toEqual({
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'a', function: { index: 0, name: 'f', arguments: { x: 1 } } }],
    });
  });

  it('take null for nothing without calls, too', () => {
    expect(readOne({ role: 'assistant', content: null, tool_calls: [] })).toEqual({
      role: 'assistant',
      content: '',
    });
  });

  it.each([
    ['', {}],
    [' ', {}],
    ['{}', {}],
    ['null', {}],
    [undefined, {}],
    ['{"a":1,"a":2}', { a: 2 }],
    [{ a: 1 }, { a: 1 }],
  ])('have the arguments %j as %j', (args, value) => {
    expect(argumentsOf(args)).toEqual(value);
  });

  it.each(['[1]', '7', '"x"', '{', 'x', 7, []])('refuse the arguments %j', (args) => {
    expect(() => argumentsOf(args)).toThrow(bad('messages[0].tool_calls[0].function.arguments'));
  });

  it('keep the digits of big numbers, and keys called __proto__', () => {
    const args = '{"n":9007199254740993,"f":1.0,"__proto__":{"polluted":true}}';
    expect(JSON.stringify(argumentsOf(args))).toBe(args);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('take a mebibyte of arguments', () => {
    const args = JSON.stringify({ text: 'x'.repeat(2 ** 20) });
    expect(JSON.stringify(argumentsOf(args))).toBe(args);
  });

  it('refuse calls of other types and without names', () => {
    expect(() => readOne(call('{}', { type: 'custom' }))).toThrow(bad('messages[0].tool_calls[0].type'));
    expect(() => readOne(call('{}', { function: {} }))).toThrow(
      bad('messages[0].tool_calls[0].function.name'),
    );
    expect(() => readOne(call('{}', { function: null }))).toThrow(bad('messages[0].tool_calls[0].function'));
  });

  it('number their calls, whatever index the client replays', () => {
    const calls = ['a', 'b'].map((id) => ({
      id,
      index: 0,
      type: 'function',
      function: { name: id, arguments: '' },
    }));
    expect(readOne({ role: 'assistant', tool_calls: calls })).toMatchObject({
      tool_calls: [{ function: { index: 0, name: 'a' } }, { function: { index: 1, name: 'b' } }],
    });
  });

  it('may call a function in the old way', () => {
    expect(
      readOne({ role: 'assistant', content: null, function_call: { name: 'f', arguments: '{"x":1}' } }),
    ).toEqual({
      role: 'assistant',
      content: '',
      tool_calls: [{ function: { index: 0, name: 'f', arguments: { x: 1 } } }],
    });
  });

  it('replay reasoning and refusals, and anything else that replies carry', () => {
    const extra = {
      name: 'n',
      audio: { id: 'x' },
      annotations: [],
      provider_specific_fields: {},
      function_call: null,
    };
    const base = { role: 'assistant', content: 'a', ...extra };
    expect(readOne(base)).toEqual({ role: 'assistant', content: 'a' });
    expect(readOne({ ...base, reasoning: 'hm' })).toMatchObject({ thinking: 'hm' });
    expect(readOne({ ...base, reasoning_content: 'hm' })).toMatchObject({ thinking: 'hm' });
    expect(readOne({ ...base, reasoning_content: [] })).not.toHaveProperty('thinking');
    expect(readOne({ role: 'assistant', content: null, refusal: 'no' })).toEqual({
      role: 'assistant',
      content: 'no',
    });
  });
});

describe('tool results', () => {
  const calls = (...ids: string[]) => ({
    role: 'assistant',
    tool_calls: ids.map((id) => ({ id, function: { name: `f_${id}`, arguments: '{}' } })),
  });
  const result = (id: string, more: object = {}) => ({
    role: 'tool',
    tool_call_id: id,
    content: id,
    ...more,
  });
  const names = (...messages: unknown[]) =>
    (readAll(...messages).request.messages as { role: string; tool_name?: string; tool_call_id?: string }[])
      .filter(({ role }) => role === 'tool')
      .map(({ tool_name, tool_call_id }) => [tool_call_id, tool_name]);

  it('get the name of the call they answer, in any order', () => {
    expect(names(calls('a', 'b', 'c'), result('c'), result('a'), result('b'))).toEqual([
      ['c', 'f_c'],
      ['a', 'f_a'],
      ['b', 'f_b'],
    ]);
  });

  it('take the last call of an id, and no name for one that nobody made', () => {
    const again = {
      role: 'assistant',
      tool_calls: [{ id: 'a', function: { name: 'later', arguments: '' } }],
    };
    expect(names(calls('a'), result('a'), again, result('a'), result('z'))).toEqual([
      ['a', 'f_a'],
      ['a', 'later'],
      ['z', undefined],
    ]);
  });

  it('keep a name of their own', () => {
    expect(names(calls('a'), result('a', { name: 'own' }))).toEqual([['a', 'own']]);
    expect(readOne({ role: 'function', name: 'f', content: null })).toEqual({
      role: 'tool',
      content: '',
      tool_name: 'f',
    });
  });

  it('may have parts, images among them', () => {
    expect(readOne(result('a', { content: [text('x'), text('y'), image(PNG)] }))).toEqual({
      role: 'tool',
      content: 'x\ny',
      images: ['AAAA'],
      tool_call_id: 'a',
    });
  });
});
