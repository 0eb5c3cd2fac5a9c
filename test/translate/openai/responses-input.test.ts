import { describe, expect, it } from 'vitest';
import { readResponse } from '../../../src/core/translate/index.js';

const read = (body: object) => readResponse({ model: 'm', input: 'Hello!', ...body });
const requestOf = (body: object) => read(body).calls[0]!.request;
const messagesOf = (input: unknown) => requestOf({ input }).messages;
const bad = (param: string) => expect.objectContaining({ status: 400, param });

const user = { role: 'user', content: 'Hello!' };
const call = (id: string, city = 'Paris') => ({
  type: 'function_call',
  call_id: id,
  name: 'get_weather',
  arguments: JSON.stringify({ city }),
});
const native = (id: string, index: number, city = 'Paris') => ({
  id,
  function: { index, name: 'get_weather', arguments: { city } },
});

describe('the input of a response', () => {
  it('is a text, after the instructions', () => {
    expect(read({})).toMatchObject({
      endpoint: '/api/chat',
      model: 'm',
      stream: false,
      maxTokens: undefined,
    });
    expect(requestOf({})).toEqual({ model: 'm', messages: [user], truncate: false });
    expect(requestOf({ instructions: 'You are a pirate.' }).messages).toEqual([
      { role: 'system', content: 'You are a pirate.' },
      user,
    ]);
  });

  it('is a list of messages, with their type or without', () => {
    expect(
      messagesOf([
        { role: 'developer', content: 'Be short.' },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello!' }] },
        {
          type: 'message',
          id: 'msg_1',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Hi!', annotations: [], logprobs: [] }],
        },
        { role: 'system', content: 'And kind.' },
      ]),
    ).toEqual([
      { role: 'system', content: 'Be short.' },
      user,
      { role: 'assistant', content: 'Hi!' },
      { role: 'system', content: 'And kind.' },
    ]);
  });

  it.each([
    { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
    { type: 'input_image', detail: 'auto', image_url: { url: 'data:image/png;base64,AAAA' } },
  ])('may have images: %j', (image) => {
    const content = [{ type: 'input_text', text: 'What is this?' }, image];
    expect(messagesOf([{ role: 'user', content }])).toEqual([
      { role: 'user', content: 'What is this?', images: ['AAAA'] },
    ]);
  });

  it('makes one message of a text and the calls after it, and names the tools that answer', () => {
    expect(
      messagesOf([
        user,
        { role: 'assistant', content: 'Let me look.' },
        { ...call('call_1'), id: 'fc_1', status: 'completed' },
        call('call_2', 'Rome'),
        { type: 'function_call_output', id: 'fco_1', call_id: 'call_2', output: '24 C' },
        {
          type: 'function_call_output',
          call_id: 'call_1',
          output: [{ type: 'input_text', text: '18 C' }],
        },
        { type: 'function_call_output', call_id: 'call_9', output: '' },
      ]),
    ).toEqual([
      user,
      {
        role: 'assistant',
        content: 'Let me look.',
        tool_calls: [native('call_1', 0), native('call_2', 1, 'Rome')],
      },
      { role: 'tool', content: '24 C', tool_name: 'get_weather', tool_call_id: 'call_2' },
      { role: 'tool', content: '18 C', tool_name: 'get_weather', tool_call_id: 'call_1' },
      { role: 'tool', content: '', tool_call_id: 'call_9' },
    ]);
  });

  it('does not merge turns: another text or another reasoning begins a new message', () => {
    const assistant = (content: string) => ({ role: 'assistant', content });
    expect(messagesOf([user, assistant('a'), assistant('b'), call('1')])).toEqual([
      user,
      assistant('a'),
      { ...assistant('b'), tool_calls: [native('1', 0)] },
    ]);
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }] };
    expect(messagesOf([user, call('1'), reasoning, call('2')])).toEqual([
      user,
      { ...assistant(''), tool_calls: [native('1', 0)] },
      { ...assistant(''), thinking: 'Hm.', tool_calls: [native('2', 0)] },
    ]);
  });

  it.each([
    [
      {
        summary: [
          { type: 'summary_text', text: 'Hm. ' },
          { type: 'summary_text', text: 'Ah.' },
        ],
      },
      'Hm. Ah.',
    ],
    [{ summary: [], content: [{ type: 'reasoning_text', text: 'Oh.' }] }, 'Oh.'],
    [{ summary: [], encrypted_content: 'Kept.' }, 'Kept.'],
    [{ summary: [] }, undefined],
  ])('gives reasoning back to the message that it led to: %j', (reasoning, thinking) => {
    const items = [
      user,
      { type: 'reasoning', id: 'rs_1', ...reasoning },
      { role: 'assistant', content: 'Hi!' },
    ];
    expect(messagesOf(items)).toEqual([
      user,
      { role: 'assistant', content: 'Hi!', ...(thinking ? { thinking } : {}) },
    ]);
  });

  it('forgets reasoning that led to nothing', () => {
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }] };
    expect(messagesOf([reasoning, user, { role: 'assistant', content: 'Hi!' }])).toEqual([
      user,
      { role: 'assistant', content: 'Hi!' },
    ]);
  });

  it.each([
    [undefined, 'input'],
    [[], 'input'],
    [7, 'input'],
    [['x'], 'input[0]'],
    [[{ type: 'item_reference', id: 'msg_1' }], 'input[0].type'],
    [[user, { type: 'custom_tool_call', call_id: 'x' }], 'input[1].name'],
    [[{ type: '__proto__' }], 'input[0].type'],
    [[{ type: 'message', content: 'x' }], 'input[0].role'],
    [[{ role: 'wizard', content: 'x' }], 'input[0].role'],
    [[{ role: 'user' }], 'input[0].content'],
    [[{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }], 'input[0].content[0].type'],
    [[{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }], 'input[0].content[0].image_url'],
    [
      [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://x/y.png' }] }],
      'input[0].content[0].image_url',
    ],
    [[{ ...call('1'), call_id: '' }], 'input[0].call_id'],
    [[{ ...call('1'), name: undefined }], 'input[0].name'],
    [[{ ...call('1'), arguments: '{' }], 'input[0].arguments'],
    [[{ type: 'function_call_output', call_id: '1' }], 'input[0].output'],
    [[{ type: 'function_call_output', output: 'x' }], 'input[0].call_id'],
  ])('is not %j', (input, param) => {
    expect(() => read({ input })).toThrow(bad(param));
  });
});

describe('a request for a response', () => {
  const tool = { type: 'function', name: 'get_weather', strict: null, parameters: { type: 'object' } };
  const known = {
    type: 'function',
    function: { name: 'get_weather', parameters: { type: 'object', properties: {} } },
  };
  const other = { ...tool, name: 'other' };

  it('takes sampling, a bound, effort and tools', () => {
    const body = {
      temperature: 0,
      top_p: 0.5,
      max_output_tokens: 7,
      reasoning: { effort: 'high', summary: 'auto' },
      tools: [tool],
      text: {},
      stream: true,
      stream_options: { include_obfuscation: false },
    };
    expect(read(body)).toMatchObject({ stream: true, maxTokens: 7 });
    expect(requestOf(body)).toEqual({
      model: 'm',
      messages: [user],
      tools: [known],
      think: 'high',
      options: { temperature: 0, top_p: 0.5, num_predict: 7 },
      truncate: false,
    });
  });

  it.each([
    [{ type: 'text' }, undefined],
    [{ type: 'json_object' }, 'json'],
    [{ type: 'json_schema', name: 'c', strict: true, schema: { type: 'object' } }, { type: 'object' }],
  ])('takes the format %j for %j', (format, expected) => {
    expect(requestOf({ text: { format } }).format).toEqual(expected);
  });

  it.each([
    ['none', undefined],
    ['auto', ['get_weather', 'other']],
    ['required', ['get_weather', 'other']],
    [{ type: 'function', name: 'other' }, ['other']],
    [{ type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'other' }] }, ['other']],
  ])('shows the model what tool_choice %j leaves', (tool_choice, names) => {
    const tools = requestOf({ tools: [tool, other], tool_choice }).tools as (typeof known)[] | undefined;
    expect(tools?.map((one) => one.function.name)).toEqual(names);
  });

  it('leaves the cutting of long prompts to Ollama where truncation is auto', () => {
    expect(requestOf({ truncation: 'auto' })).toMatchObject({ truncate: true });
    expect(requestOf({ truncation: 'disabled' })).toMatchObject({ truncate: false });
  });

  it('asks for logprobs where they are to be included', () => {
    expect(requestOf({ include: ['message.output_text.logprobs'], top_logprobs: 2 })).toMatchObject({
      logprobs: true,
      top_logprobs: 2,
    });
    expect(requestOf({ include: ['reasoning.encrypted_content'] })).not.toHaveProperty('logprobs');
  });

  it('ignores what it does not know, and null', () => {
    const keys = [
      'previous_response_id',
      'conversation',
      'background',
      'prompt',
      'text',
      'tools',
      'truncation',
    ];
    const body = Object.fromEntries(keys.map((key) => [key, null]));
    expect(requestOf({ ...body, store: true, user: 'u', metadata: { a: '1' }, n: 3 })).toEqual(requestOf({}));
  });

  it.each([
    [{ model: '' }, 'model'],
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ conversation: { id: 'conv_1' } }, 'conversation'],
    [{ background: true }, 'background'],
    [{ prompt: { id: 'pmpt_1' } }, 'prompt'],
    [{ truncation: 'never' }, 'truncation'],
    [{ max_output_tokens: 0 }, 'max_output_tokens'],
    [{ temperature: 2.1 }, 'temperature'],
    [{ top_logprobs: 21 }, 'top_logprobs'],
    [{ reasoning: { effort: 'some' } }, 'reasoning.effort'],
    [{ text: { format: { type: 'xml' } } }, 'text.format.type'],
    [{ text: { format: {} } }, 'text.format.type'],
    [{ text: { format: { type: 'json_schema', name: 'c' } } }, 'text.format.schema'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].name'],
    [{ tools: [tool], tool_choice: { type: 'function', name: 'nope' } }, 'tool_choice.name'],
    [{ tools: [tool], tool_choice: { type: 'function' } }, 'tool_choice.name'],
    [{ tools: [tool], tool_choice: { type: 'allowed_tools' } }, 'tool_choice.tools'],
    [{ tools: [tool], tool_choice: { type: 'web_search' } }, 'tool_choice.type'],
    [{ stream_options: {} }, 'stream_options'],
  ])('is refused with %j, naming the field', (body, param) => {
    expect(() => read(body)).toThrow(bad(param));
  });
});
