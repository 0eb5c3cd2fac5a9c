import { describe, expect, it } from 'vitest';
import { type NativeChunk, readChatCompletion } from '../../../src/core/translate/index.js';
import { CONTEXT } from '../recordings.js';

const tool = (name: string, parameters?: unknown, more: object = {}) => ({
  type: 'function',
  function: { name, parameters, ...more },
});
const read = (fields: object) =>
  readChatCompletion({ model: 'm', messages: [{ role: 'user', content: 'a' }], ...fields });
const toolsOf = (fields: object) =>
  read(fields).calls[0]!.request.tools as { function: { name: string } }[] | undefined;
const namesOf = (fields: object) => toolsOf(fields)?.map((one) => one.function.name);
const bad = (param: string) => expect.objectContaining({ status: 400, param });
const tools = [tool('f'), tool('g'), tool('h')];

describe('tool definitions', () => {
  const parametersOf = (parameters: unknown) =>
    (toolsOf({ tools: [tool('f', parameters)] })![0]!.function as { parameters?: unknown }).parameters;

  it('are rebuilt, without `strict`', () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    expect(toolsOf({ tools: [tool('f', schema, { description: 'd', strict: true, other: 1 })] })).toEqual([
      { type: 'function', function: { name: 'f', description: 'd', parameters: schema } },
    ]);
  });

  it.each([undefined, null, {}, { type: ['object', 'null'] }, { type: 'object', properties: null }])(
    'have an object of no properties for the parameters %j',
    (parameters) => {
      expect(parametersOf(parameters)).toEqual({ type: 'object', properties: {} });
    },
  );

  it("lose no keyword, but booleans as schemas, which Ollama's types do not have", () => {
    const schema = (any: unknown) => ({
      type: 'object',
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      additionalProperties: false,
      $defs: { d: { type: 'string' } },
      properties: {
        any,
        nested: { type: 'object', properties: { any } },
        either: { anyOf: [{ type: ['string', 'null'] }, any] },
        one: { oneOf: [{ minimum: 1 }, { maximum: 2 }] },
      },
    });
    expect(parametersOf(schema(true))).toEqual(schema({}));
  });

  it('may have a property called __proto__', () => {
    const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}') as object;
    expect(JSON.stringify(parametersOf(schema))).toBe(JSON.stringify(schema));
    expect(({} as Record<string, unknown>).type).toBeUndefined();
  });

  it.each([
    [{ tools: {} }, 'tools'],
    [{ tools: ['f'] }, 'tools[0]'],
    [{ tools: [{ type: 'custom', custom: { name: 'f' } }] }, 'tools[0].type'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].function'],
    [{ tools: [tool('')] }, 'tools[0].function.name'],
    [{ tools: [tool('f', true)] }, 'tools[0].function.parameters'],
    [{ tools: [tool('f', {}, { description: 7 })] }, 'tools[0].function.description'],
  ])('are not %j', (fields, param) => {
    expect(() => read(fields)).toThrow(bad(param));
  });
});

describe('tool_choice', () => {
  const named = (name: string) => ({ type: 'function', function: { name } });
  const allowed = (mode: string | undefined, ...names: string[]) => ({
    type: 'allowed_tools',
    allowed_tools: { mode, tools: names.map(named) },
  });

  it.each([
    [undefined, ['f', 'g', 'h']],
    ['auto', ['f', 'g', 'h']],
    ['required', ['f', 'g', 'h']],
    ['none', undefined],
    [named('g'), ['g']],
    [allowed('auto', 'h', 'f'), ['f', 'h']],
    [allowed('required', 'h'), ['h']],
    [allowed(undefined, 'h'), ['h']],
  ])('%j leaves %j', (tool_choice, names) => {
    expect(namesOf({ tools, tool_choice })).toEqual(names);
  });

  it.each(['auto', 'none'])('may be %s where there are no tools', (tool_choice) => {
    expect(toolsOf({ tool_choice })).toBeUndefined();
    expect(toolsOf({ tools: [], tool_choice })).toBeUndefined();
  });

  it.each([
    ['maybe', 'tool_choice'],
    [7, 'tool_choice'],
    [{}, 'tool_choice.type'],
    [{ type: 'custom' }, 'tool_choice.type'],
    [{ type: 'function' }, 'tool_choice.function.name'],
    [named('x'), 'tool_choice.function.name'],
    [{ type: 'allowed_tools' }, 'tool_choice.allowed_tools.tools'],
    [allowed('auto', 'x'), 'tool_choice.allowed_tools.tools[0].function.name'],
    [allowed('maybe', 'f'), 'tool_choice.allowed_tools.mode'],
  ])('is not %j', (tool_choice, param) => {
    expect(() => read({ tools, tool_choice })).toThrow(bad(param));
  });

  it('can require nothing where there are no tools', () => {
    expect(() => read({ tool_choice: 'required' })).toThrow(bad('tool_choice'));
    expect(() => read({ tool_choice: named('f') })).toThrow(bad('tool_choice.function.name'));
  });
});

const called = (...calls: { id?: string; name?: string; args?: unknown }[]): NativeChunk => ({
  message: {
    role: 'assistant',
    content: '',
    tool_calls: calls.map(({ id, name = 'f', args }) => ({
      id,
      function: { index: 0, name, arguments: args },
    })),
  },
  done: true,
  done_reason: 'stop',
});

interface Message {
  content: string | null;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  function_call?: { name: string; arguments: string };
}
function reply(fields: object, ...values: NativeChunk[]) {
  const whole = read(fields).whole(
    values.map((value) => ({ value })),
    CONTEXT,
  ) as { choices: { message: Message; finish_reason: string }[] };
  return whole.choices[0]!;
}

describe('tool calls in a reply', () => {
  it.each([
    [{ city: 'Paris' }, '{"city":"Paris"}'],
    [{}, '{}'],
    [undefined, '{}'],
    ['{"a": 1}', '{"a": 1}'],
    ['not json', '"not json"'],
  ])('have the arguments %j as the string %s', (args, string) => {
    expect(reply({ tools }, called({ id: 'a', args })).message.tool_calls?.[0]?.function.arguments).toBe(
      string,
    );
  });

  it('keep ids that are new, and get fresh ones else', () => {
    const calls = reply({ tools }, called({ id: 'a' }, { id: 'a' }, { id: '' }, {})).message.tool_calls!;
    expect(calls[0]?.id).toBe('a');
    const fresh = calls.slice(1).map(({ id }) => id);
    for (const id of fresh) expect(id).toMatch(/^call_[0-9a-f]{24}$/);
    expect(new Set(fresh).size).toBe(3);
  });

  it('have content beside them, null only where there is none', () => {
    const value = called({ id: 'a' });
    expect(reply({ tools }, value).message.content).toBeNull();
    value.message!.content = 'Let me look.';
    expect(reply({ tools }, value).message).toMatchObject({
      content: 'Let me look.',
      tool_calls: [{ id: 'a' }],
    });
  });

  it('end in `tool_calls`, cut short in `length`', () => {
    expect(reply({ tools }, called({})).finish_reason).toBe('tool_calls');
    expect(reply({ tools }, { ...called({}), done_reason: 'length' }).finish_reason).toBe('length');
  });

  it('are one where they must not be parallel', () => {
    const calls = called({ id: 'a' }, { id: 'b' });
    expect(reply({ tools, parallel_tool_calls: false }, calls).message.tool_calls).toHaveLength(1);
    expect(reply({ tools, parallel_tool_calls: true }, calls).message.tool_calls).toHaveLength(2);
  });
});

describe('functions, as tools were called before', () => {
  const functions = [{ name: 'f', parameters: {} }, { name: 'g' }];

  it.each([
    [undefined, ['f', 'g']],
    ['auto', ['f', 'g']],
    ['none', undefined],
    [{ name: 'g' }, ['g']],
  ])('are tools, and function_call %j leaves %j', (function_call, names) => {
    expect(namesOf({ functions, function_call })).toEqual(names);
  });

  it('are answered in the same old way', () => {
    const { message, finish_reason } = reply({ functions }, called({ id: 'a', args: { x: 1 } }, { id: 'b' }));
    expect(message).toMatchObject({ content: null, function_call: { name: 'f', arguments: '{"x":1}' } });
    expect(message).not.toHaveProperty('tool_calls');
    expect(finish_reason).toBe('function_call');
  });

  it.each([
    [{ functions, tools }, 'functions'],
    [{ functions: [{}] }, 'functions[0].name'],
    [{ functions, function_call: { name: 'x' } }, 'function_call.name'],
    [{ functions, function_call: {} }, 'function_call.name'],
    [{ functions, function_call: 'maybe' }, 'function_call'],
  ])('refuse %j', (fields, param) => {
    expect(() => read(fields)).toThrow(bad(param));
  });
});
