import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/core/errors.js';
import { guideModels, readGuideChat, readGuideGenerate } from '../../../src/core/translate/index.js';
import { CONTEXT, collected, linesOf, recording, replyOf } from '../recordings.js';

const bad = (param: string | null) => expect.objectContaining({ status: 400, param });
const messages = [{ role: 'user', content: 'Hello!' }];
const parameters = { temperature: 0.7, max_tokens: 500 };
const usage = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };

function streamed(exchange: ReturnType<typeof readGuideChat>, name: string): unknown[] {
  const encoder = exchange.encoder(CONTEXT);
  const lines = linesOf(recording(name).response.body);
  const text = lines.map(({ chunk }) => encoder.write(0, chunk)).join('') + encoder.end();
  expect(text).toMatch(/\n$/);
  return text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

describe("the guide's generate", () => {
  it('becomes a native request', () => {
    const exchange = readGuideGenerate({ model: 'llama2', prompt: 'Write a poem about AI', parameters });
    expect(exchange).toMatchObject({
      endpoint: '/api/generate',
      model: 'llama2',
      stream: false,
      maxTokens: 500,
    });
    expect(exchange.calls).toEqual([
      {
        request: {
          model: 'llama2',
          prompt: 'Write a poem about AI',
          options: { temperature: 0.7, num_predict: 500 },
        },
      },
    ]);
  });

  it('is answered with text and usage', () => {
    const { response } = recording('generate-max.native');
    const exchange = readGuideGenerate({ model: 'tiny', prompt: 'a' });
    expect(exchange.whole([{ value: collected(response.body) }], CONTEXT)).toEqual({
      text: 'The sky is blue b',
      usage: { prompt_tokens: 15, completion_tokens: 5, total_tokens: 20 },
    });
  });

  it('streams lines of its own shape when asked to', () => {
    const exchange = readGuideGenerate({ model: 'tiny', prompt: 'a', stream: true });
    expect(exchange.stream).toBe(true);
    expect(streamed(exchange, 'generate-max.native.stream')).toEqual([
      ...['The', ' sky', ' is', ' blue', ' b'].map((text) => ({ text, done: false })),
      { text: '', done: true, usage: { prompt_tokens: 15, completion_tokens: 5, total_tokens: 20 } },
    ]);
  });

  it('gives text that comes with the end before it', () => {
    const encoder = readGuideGenerate({ model: 'tiny', prompt: 'a', stream: true }).encoder(CONTEXT);
    expect(encoder.write(0, { response: 'b', done: true })).toBe(
      '{"text":"b","done":false}\n{"text":"","done":true,"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}\n',
    );
    expect(encoder.fail(new GatewayError('upstream_error'))).toBe('{"error":"The model server failed."}\n');
  });

  it('gives the reasoning of models that think', () => {
    const exchange = readGuideGenerate({ model: 'tiny-think', prompt: 'a' });
    expect(
      exchange.whole([{ value: collected(recording('generate-think.native').response.body) }], CONTEXT),
    ).toMatchObject({
      text: 'The answer is 42.',
      thinking: expect.stringContaining('6 times 7'),
    });
  });
});

describe("the guide's chat", () => {
  it('becomes a native request', () => {
    const { calls, endpoint, stream } = readGuideChat({ model: 'llama2', messages, parameters });
    expect({ endpoint, stream }).toEqual({ endpoint: '/api/chat', stream: false });
    expect(calls[0]?.request).toEqual({
      model: 'llama2',
      messages,
      options: { temperature: 0.7, num_predict: 500 },
    });
  });

  it('is answered with messages and usage', () => {
    const exchange = readGuideChat({ model: 'tiny', messages });
    expect(
      exchange.whole([{ value: collected(recording('chat-hello.native').response.body) }], CONTEXT),
    ).toEqual({
      messages: [{ role: 'assistant', content: 'Hi! How can I help you today?' }],
      usage,
    });
  });

  it('streams lines of its own shape when asked to', () => {
    const lines = streamed(
      readGuideChat({ model: 'tiny', messages, stream: true }),
      'chat-hello.native.stream',
    );
    expect(lines[0]).toEqual({ messages: [{ role: 'assistant', content: 'Hi' }], done: false });
    expect(lines.at(-1)).toEqual({ messages: [{ role: 'assistant', content: '' }], done: true, usage });
    expect(lines).toHaveLength(10);
  });

  it('takes tools, images and format as Ollama does, and gives the calls', () => {
    const tools = [{ type: 'function', function: { name: 'get_weather' } }];
    const body = {
      model: 'tiny',
      messages: [{ ...messages[0], images: ['AAAA'] }],
      tools,
      format: 'json',
      think: false,
    };
    const exchange = readGuideChat(body);
    expect(exchange.calls[0]).toMatchObject({ request: body });
    expect(
      exchange.whole([{ value: collected(recording('chat-tool.native').response.body) }], CONTEXT),
    ).toMatchObject({
      messages: [
        { content: '', tool_calls: [{ function: { name: 'get_weather', arguments: { city: 'Paris' } } }] },
      ],
    });
    const calls = streamed(exchange, 'chat-tools-two.native.stream');
    expect(calls).toHaveLength(3);
  });
});

describe("the guide's requests", () => {
  it('fall back to the default model', () => {
    const options = { defaultModel: 'llama2' };
    expect(readGuideChat({ messages }, options).model).toBe('llama2');
    expect(readGuideGenerate({ prompt: 'a' }, options).calls[0]?.request.model).toBe('llama2');
    expect(readGuideGenerate({ model: 'other', prompt: 'a' }, options).model).toBe('other');
    expect(() => readGuideGenerate({ MODEL: 'x', prompt: 'a' })).toThrow(bad('model'));
  });

  it('pass other options by their names, and no unknown ones', () => {
    const own = { top_k: 3, stop: ['x'], num_ctx: 64, seed: 7 };
    const { request } = readGuideGenerate({ model: 'm', prompt: 'a', parameters: { ...own, mirostat: 2 } })
      .calls[0]!;
    expect(request.options).toEqual(own);
  });

  it.each([
    [{}, 'prompt'],
    [{ prompt: '' }, 'prompt'],
    [{ prompt: ['a'] }, 'prompt'],
    [{ prompt: 'a', parameters: 'x' }, 'parameters'],
    [{ prompt: 'a', parameters: { temperature: 2.1 } }, 'parameters.temperature'],
    [{ prompt: 'a', parameters: { temperature: 'hot' } }, 'parameters.temperature'],
    [{ prompt: 'a', parameters: { max_tokens: 0 } }, 'parameters.max_tokens'],
    [{ prompt: 'a', parameters: { max_tokens: -2 } }, 'parameters.max_tokens'],
    [{ prompt: 'a', parameters: { max_tokens: 1.5 } }, 'parameters.max_tokens'],
    [{ prompt: 'a', parameters: { num_predict: 0 } }, 'parameters.num_predict'],
    [{ prompt: 'a', parameters: { stop: 'x' } }, 'parameters.stop'],
    [{ prompt: 'a', stream: 1 }, 'stream'],
    [{ prompt: 'a', model: 7 }, 'model'],
  ])('refuse to generate %j', (fields, param) => {
    expect(() => readGuideGenerate({ model: 'm', ...fields })).toThrow(bad(param));
  });

  it.each([
    [{}, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: 'x' }, 'messages'],
    [{ messages: [{ role: 'wizard', content: 'a' }] }, 'messages[0].role'],
    [{ messages, format: 'xml' }, 'format'],
  ])('refuse to chat %j', (fields, param) => {
    expect(() => readGuideChat({ model: 'm', ...fields })).toThrow(bad(param));
  });

  it('are objects', () => {
    for (const body of [null, [], 'x']) expect(() => readGuideChat(body)).toThrow(bad(null));
  });
});

describe("the guide's list of models", () => {
  it('has the fields of the guide', () => {
    const { models } = guideModels(replyOf('tags.native'));
    expect(models[0]).toEqual({
      name: 'tiny-made',
      size: '836K',
      modified: '2026-11-23T01:25:14Z',
      details: { format: 'gguf', family: 'llama' },
    });
  });

  it('strips no tag but `latest`, and gives dates in UTC', () => {
    const tag = {
      name: 'm:7b',
      modified_at: '2024-01-29T14:00:00.123456789+02:00',
      details: { parameter_size: '7B' },
    };
    expect(guideModels([tag]).models).toEqual([
      { name: 'm:7b', size: '7B', modified: '2024-01-29T12:00:00Z', details: { format: '', family: '' } },
    ]);
  });

  it.each([null, {}, { models: null }, [], 'x'])('is empty for %j', (tags) => {
    expect(guideModels(tags)).toEqual({ models: [] });
  });
});
