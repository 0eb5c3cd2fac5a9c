import { describe, expect, it } from 'vitest';
import { readChatCompletion } from '../../../src/core/translate/index.js';

const messages = [{ role: 'user', content: 'Hello!' }];
const read = (body: object) => readChatCompletion({ model: 'm', messages, ...body });
const requestOf = (body: object) => read(body).calls[0]!.request;
const optionsOf = (body: object) => requestOf(body).options;
const bad = (param: string | null) => expect.objectContaining({ status: 400, param });

describe('a chat completion request', () => {
  it('sends nothing that was not asked for', () => {
    expect(read({})).toMatchObject({
      endpoint: '/api/chat',
      model: 'm',
      stream: false,
      maxTokens: undefined,
    });
    expect(requestOf({})).toEqual({ model: 'm', messages });
  });

  it('takes null for absent', () => {
    const nothing = [
      'temperature',
      'top_p',
      'stop',
      'seed',
      'max_tokens',
      'n',
      'tools',
      'tool_choice',
      'response_format',
    ];
    const more = [
      'reasoning_effort',
      'logprobs',
      'top_logprobs',
      'stream',
      'stream_options',
      'logit_bias',
      'functions',
    ];
    const body = Object.fromEntries([...nothing, ...more].map((key) => [key, null]));
    expect(requestOf(body)).toEqual({ model: 'm', messages });
  });

  it('ignores what it does not know, in any case, and what cannot harm', () => {
    const body = JSON.parse(
      `{"user":"u","metadata":{"a":1},"store":true,"service_tier":"auto","prediction":{},"verbosity":"low","logit_bias":{},
        "safety_identifier":"x","prompt_cache_key":"y","web_search_options":{},"modalities":["text"],"MODEL":"secret",
        "MESSAGES":[],"Options":{"num_ctx":9},"num_ctx":9,"__proto__":{"x":1},"constructor":{"x":1}}`,
    );
    expect(requestOf(body)).toEqual({ model: 'm', messages });
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it("takes Ollama's own options, think, keep_alive and truncate; OpenAI's words win", () => {
    const own = { options: { num_ctx: 9, temperature: 0.5, secret: 1 }, think: true, keep_alive: '5m' };
    expect(requestOf({ ...own, truncate: false })).toEqual({
      model: 'm',
      messages,
      ...own,
      options: { num_ctx: 9, temperature: 0.5 },
      truncate: false,
    });
    expect(requestOf({ ...own, temperature: 1, reasoning_effort: 'none' })).toMatchObject({
      options: { num_ctx: 9, temperature: 1 },
      think: false,
    });
    expect(read({ options: { num_predict: 5 } }).maxTokens).toBe(5);
    expect(read({ options: { num_predict: 5 }, max_tokens: 7 }).maxTokens).toBe(7);
  });

  it.each([
    [{ options: { num_ctx: '8k' } }, 'options.num_ctx'],
    [{ options: { stop: 'x' } }, 'options.stop'],
    [{ options: [] }, 'options'],
    [{ think: 'very' }, 'think'],
    [{ keep_alive: 'long' }, 'keep_alive'],
  ])('refuses %j among them, and names it', (body, param) => {
    expect(() => read(body)).toThrow(bad(param));
  });

  it.each([
    [{ temperature: 0 }, { temperature: 0 }],
    [{ top_p: 0 }, { top_p: 0 }],
    [{ top_p: 1 }, { top_p: 1 }],
    [{ seed: 0 }, { seed: 0 }],
    [{ seed: -5 }, { seed: -5 }],
    [{ seed: 2 ** 31 + 1 }, { seed: 2 ** 31 + 1 }],
    [
      { frequency_penalty: -2, presence_penalty: 2 },
      { frequency_penalty: -2, presence_penalty: 2 },
    ],
    [{ stop: 'a' }, { stop: ['a'] }],
    [{ stop: ['a', 'b', 'c', 'd'] }, { stop: ['a', 'b', 'c', 'd'] }],
    [{ stop: [] }, undefined],
    [{ stop: '' }, undefined],
    [{ max_tokens: 5 }, { num_predict: 5 }],
    [{ max_completion_tokens: 7 }, { num_predict: 7 }],
    [{ max_tokens: 5, max_completion_tokens: 7 }, { num_predict: 7 }],
    [{ max_tokens: 7, max_completion_tokens: 5 }, { num_predict: 5 }],
  ])('makes %j the options %j', (body, options) => {
    expect(optionsOf(body)).toEqual(options);
  });

  it('takes -1 for no bound', () => {
    expect(optionsOf({ max_tokens: -1 })).toBeUndefined();
    expect(read({ max_completion_tokens: -1 }).maxTokens).toBeUndefined();
  });

  it('takes the model that it is given where it names none', () => {
    for (const model of [undefined, null, '', ' ']) {
      const body = { model, messages: [{ role: 'user', content: 'a' }] };
      expect(readChatCompletion(body, { defaultModel: 'llama2' }).model).toBe('llama2');
    }
  });

  it('says what it allows to be generated', () => {
    expect(read({ max_tokens: 5, max_completion_tokens: 7 }).maxTokens).toBe(7);
  });

  it.each([
    [{ model: undefined }, 'model'],
    [{ model: '' }, 'model'],
    [{ model: 7 }, 'model'],
    [{ messages: undefined }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: 'x' }, 'messages'],
    [{ messages: ['x'] }, 'messages[0]'],
    [{ temperature: 2.1 }, 'temperature'],
    [{ temperature: -0.1 }, 'temperature'],
    [{ temperature: 'hot' }, 'temperature'],
    [{ top_p: 1.1 }, 'top_p'],
    [{ frequency_penalty: 2.1 }, 'frequency_penalty'],
    [{ presence_penalty: -2.1 }, 'presence_penalty'],
    [{ seed: 1.5 }, 'seed'],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
    [{ stop: [1] }, 'stop[0]'],
    [{ stop: 7 }, 'stop'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ max_tokens: -2 }, 'max_tokens'],
    [{ max_tokens: 1.5 }, 'max_tokens'],
    [{ max_completion_tokens: 0 }, 'max_completion_tokens'],
    [{ n: 0 }, 'n'],
    [{ n: 9 }, 'n'],
    [{ n: 129 }, 'n'],
    [{ n: 1.5 }, 'n'],
    [{ stream: 'yes' }, 'stream'],
    [{ stream_options: { include_usage: true } }, 'stream_options'],
    [{ stream: true, stream_options: { include_usage: 1 } }, 'stream_options.include_usage'],
    [{ stream: true, stream_options: true }, 'stream_options'],
    [{ top_logprobs: 2 }, 'top_logprobs'],
    [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    [{ logprobs: true, top_logprobs: -1 }, 'top_logprobs'],
    [{ logprobs: 2 }, 'logprobs'],
    [{ logit_bias: { 5: 1 } }, 'logit_bias'],
    [{ logit_bias: [] }, 'logit_bias'],
    [{ reasoning_effort: 'extreme' }, 'reasoning_effort'],
    [{ reasoning_effort: 'constructor' }, 'reasoning_effort'],
    [{ reasoning_effort: 1 }, 'reasoning_effort'],
    [{ response_format: 'json' }, 'response_format'],
    [{ response_format: {} }, 'response_format.type'],
    [{ response_format: { type: 'xml' } }, 'response_format.type'],
    [{ response_format: { type: 'json_schema' } }, 'response_format.json_schema.schema'],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'c' } } },
      'response_format.json_schema.schema',
    ],
    [
      { response_format: { type: 'json_schema', json_schema: { schema: 'x' } } },
      'response_format.json_schema.schema',
    ],
    [{ modalities: ['text', 'audio'] }, 'modalities'],
    [{ audio: { voice: 'a' } }, 'audio'],
  ])('refuses %j', (body, param) => {
    expect(() => read(body)).toThrow(bad(param));
  });

  it.each([null, [], 'x', 7])('is an object, not %j', (body) => {
    expect(() => readChatCompletion(body)).toThrow(bad(null));
  });

  it.each([
    ['none', false],
    ['minimal', 'low'],
    ['low', 'low'],
    ['medium', 'medium'],
    ['high', 'high'],
    ['max', 'max'],
    ['xhigh', 'max'],
    ['ultra', 'max'],
  ])('takes the effort %s for think %s', (effort, think) => {
    expect(requestOf({ reasoning_effort: effort }).think).toBe(think);
    expect(requestOf({ reasoning: { effort } }).think).toBe(think);
  });

  it.each([
    [{ type: 'text' }, undefined],
    [{ type: 'json_object' }, 'json'],
    [
      { type: 'json_schema', json_schema: { name: 'c', strict: true, schema: { type: 'object' } } },
      { type: 'object' },
    ],
  ])('takes the response format %j for %j', (response_format, format) => {
    expect(requestOf({ response_format }).format).toEqual(format);
  });

  it('asks for logprobs', () => {
    expect(requestOf({ logprobs: true, top_logprobs: 0 })).toMatchObject({ logprobs: true, top_logprobs: 0 });
    expect(requestOf({ logprobs: false })).not.toHaveProperty('logprobs');
  });

  it('makes one call per choice, with seeds of their own', () => {
    const { calls } = read({ n: 3, seed: 7, temperature: 1 });
    expect(calls.map(({ request }) => request.options)).toEqual(
      [7, 8, 9].map((seed) => ({ seed, temperature: 1 })),
    );
    expect(read({ n: 8 }).calls).toHaveLength(8);
  });
});
