/** LangChain against the gateway: ChatOpenAI with both of OpenAI's APIs, and ChatOllama. */
import { type AIMessageChunk, HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOllama, Ollama, OllamaEmbeddings } from '@langchain/ollama';
import { ChatOpenAI, OpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { simulated } from '../support/upstream.js';
import {
  ASK_JSON,
  ASK_THOUGHTS,
  ASK_TWICE,
  ASK_WEATHER,
  BREAKING_MODEL,
  EMBEDDING_MODEL,
  ENDLESS,
  GREETING,
  MODEL,
  NATIVE_MODEL,
  THINKING_MODEL,
  WEATHER,
  WEATHER_ANSWER,
} from './dialogs.js';
import { startWorld, type World } from './world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.rig.close());

const getWeather = tool(() => WEATHER, {
  name: 'get_weather',
  description: 'Weather of a city',
  schema: z.object({ city: z.string() }),
});
const City = z.object({ city: z.string(), population: z.number().int() });

async function join<T>(parts: AsyncIterable<T>, text: (part: T) => unknown): Promise<string> {
  let whole = '';
  for await (const part of parts) whole += text(part);
  return whole;
}

/** What the chunks of a stream add up to. */
async function sum(chunks: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  let whole: AIMessageChunk | undefined;
  for await (const chunk of chunks) whole = whole?.concat(chunk) ?? chunk;
  return whole ?? expect.unreachable('there was no chunk');
}

const expectAlike = (vector: number[] | undefined, other: number[]) => {
  expect(vector).toHaveLength(other.length);
  for (const [i, value] of other.entries()) expect(vector?.[i]).toBeCloseTo(value, 5);
};

describe('@langchain/openai', () => {
  const settings = (apiKey = world.key) => ({
    apiKey,
    maxRetries: 0,
    configuration: { baseURL: world.openai },
  });
  const chat = (more: object = {}) => new ChatOpenAI({ model: MODEL, ...settings(), ...more });

  test('chat', async () => {
    const reply = await chat().invoke('Hello!');
    expect(reply.content).toBe(GREETING);
    expect(reply.usage_metadata).toMatchObject({ input_tokens: 10, output_tokens: 10, total_tokens: 20 });
    expect(reply.response_metadata.finish_reason).toBe('stop');
  });

  test('chat stops at its limit', async () => {
    const reply = await chat({ maxTokens: 2 }).invoke('Hello!');
    expect(reply.response_metadata.finish_reason).toBe('length');
    expect(reply.usage_metadata?.output_tokens).toBe(2);
  });

  test('chat stream', async () => {
    const whole = await sum(await chat().stream('Hello!'));
    expect(whole.content).toBe(GREETING);
    expect(whole.usage_metadata?.output_tokens).toBe(10);
  });

  test('tools', async () => {
    const bound = chat().bindTools([getWeather]);
    const question = new HumanMessage(ASK_WEATHER);
    const reply = await bound.invoke([question]);
    expect(reply.tool_calls).toMatchObject([{ name: 'get_weather', args: { city: 'Paris' } }]);
    const result = await getWeather.invoke(reply.tool_calls![0]!);
    expect((await bound.invoke([question, reply, result])).content).toBe(WEATHER_ANSWER);
  });

  test('tools stream', async () => {
    const whole = await sum(await chat().bindTools([getWeather]).stream(ASK_TWICE));
    expect(whole.tool_calls?.map(({ args }) => args)).toEqual([{ city: 'Paris' }, { city: 'Rome' }]);
    expect(new Set(whole.tool_calls?.map(({ id }) => id)).size).toBe(2);
  });

  test.each(['jsonSchema', 'jsonMode'] as const)('schema: %s', async (method) => {
    const structured = chat().withStructuredOutput(City, { method });
    expect(await structured.invoke(ASK_JSON)).toMatchObject({ city: 'Paris' });
  });

  test('completions', async () => {
    const llm = new OpenAI({ model: NATIVE_MODEL, maxTokens: 50, ...settings() });
    const whole = await llm.invoke('Hello!');
    expect(whole).not.toBe('');
    expect(await join(await llm.stream('Hello!'), (part) => part)).toBe(whole);
  });

  test('embeddings', async () => {
    const embeddings = new OpenAIEmbeddings({ model: EMBEDDING_MODEL, ...settings() });
    const [first] = await embeddings.embedDocuments(['hello', 'goodbye']);
    expectAlike(first, await embeddings.embedQuery('hello'));
  });

  describe('responses', () => {
    const responses = () => chat({ useResponsesApi: true });

    test('whole and streamed', async () => {
      const reply = await responses().invoke('Hello!');
      expect(reply.text).toBe(GREETING);
      expect(reply.usage_metadata?.total_tokens).toBe(20);
      expect((await sum(await responses().stream('Hello!'))).text).toBe(GREETING);
    });

    test('with tools, over two turns', async () => {
      const bound = responses().bindTools([getWeather]);
      const question = new HumanMessage(ASK_WEATHER);
      const reply = await bound.invoke([question]);
      expect(reply.tool_calls).toMatchObject([{ name: 'get_weather', args: { city: 'Paris' } }]);
      const result = await getWeather.invoke(reply.tool_calls![0]!);
      expect((await bound.invoke([question, reply, result])).text).toBe(WEATHER_ANSWER);
    });

    test('with two calls in a stream, each with arguments of its own', async () => {
      const whole = await sum(await responses().bindTools([getWeather]).stream(ASK_TWICE));
      expect(whole.tool_calls?.map(({ args }) => args)).toEqual([{ city: 'Paris' }, { city: 'Rome' }]);
    });

    test('with a schema', async () => {
      const structured = responses().withStructuredOutput(City, { method: 'jsonSchema' });
      expect(await structured.invoke(ASK_JSON)).toMatchObject({ city: 'Paris' });
    });
  });

  test('errors', async () => {
    await expect(chat(settings('pk_live_wrong')).invoke('Hello!')).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
    await expect(chat({ model: 'no-such-model' }).invoke('Hello!')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  });

  test('limits', async () => {
    const limited = chat(settings(world.blockedKey)).invoke('Hello!');
    await expect(limited).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  });

  simulated('a stream that fails midway', async () => {
    let text = '';
    const reading = (async () => {
      for await (const { content } of await chat({ model: BREAKING_MODEL }).stream('Hello!')) text += content;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'upstream_error' });
    expect(text).not.toBe('');
  });

  simulated('leaving a stream', async () => {
    await world.expectLeft(async () => {
      const controller = new AbortController();
      const reading = (async () => {
        for await (const _ of await chat().stream(ENDLESS, { signal: controller.signal })) controller.abort();
      })();
      await expect(reading).rejects.toThrow(/abort/i);
    });
  });
});

/**
 * ChatOllama leaves it to fetch to close the connection of a stream that nobody reads any more. That of Node 22 does
 * not, with Ollama asked directly neither.
 */
const CLOSES_UNREAD = Number(process.versions.node.split('.')[0]) >= 24;

describe('@langchain/ollama', () => {
  const settings = (key = world.key) => ({
    baseUrl: world.ollama,
    headers: { Authorization: `Bearer ${key}` },
    maxRetries: 0,
  });
  const chat = (more: object = {}) => new ChatOllama({ model: NATIVE_MODEL, ...settings(), ...more });

  test('chat', async () => {
    const reply = await chat().invoke('Hello!');
    expect(reply.content).toBe(GREETING);
    expect(reply.usage_metadata).toMatchObject({ input_tokens: 10, output_tokens: 10, total_tokens: 20 });
    expect(reply.response_metadata.done_reason).toBe('stop');
  });

  test('chat stops at its limit', async () => {
    const reply = await chat({ numPredict: 2 }).invoke('Hello!');
    expect(reply.response_metadata.done_reason).toBe('length');
    expect(reply.usage_metadata?.output_tokens).toBe(2);
  });

  test('chat stream', async () => {
    const whole = await sum(await chat().stream('Hello!'));
    expect(whole.content).toBe(GREETING);
    expect(whole.usage_metadata?.output_tokens).toBe(10);
  });

  test('tools', async () => {
    const bound = chat().bindTools([getWeather]);
    const question = new HumanMessage(ASK_WEATHER);
    const reply = await bound.invoke([question]);
    expect(reply.tool_calls).toMatchObject([{ name: 'get_weather', args: { city: 'Paris' } }]);
    const result = await getWeather.invoke(reply.tool_calls![0]!);
    expect((await bound.invoke([question, reply, result])).content).toBe(WEATHER_ANSWER);
  });

  test('tools stream', async () => {
    const whole = await sum(await chat().bindTools([getWeather]).stream(ASK_TWICE));
    expect(whole.tool_calls?.map(({ args }) => args)).toEqual([{ city: 'Paris' }, { city: 'Rome' }]);
  });

  test.each(['jsonSchema', 'jsonMode'] as const)('schema: %s', async (method) => {
    const structured = chat().withStructuredOutput(City, { method });
    expect(await structured.invoke(ASK_JSON)).toMatchObject({ city: 'Paris' });
  });

  test('reasoning', async () => {
    const model = chat({ model: THINKING_MODEL, think: true });
    for (const reply of [await model.invoke(ASK_THOUGHTS), await sum(await model.stream(ASK_THOUGHTS))]) {
      expect(reply.additional_kwargs.reasoning_content).toContain('6 times 5 is 30');
      expect(reply.content).toBe('The answer is 42.');
    }
  });

  test('completions', async () => {
    const llm = new Ollama({ model: NATIVE_MODEL, ...settings() });
    expect(await llm.invoke('Hello!')).toBe(GREETING);
    expect(await join(await llm.stream('Hello!'), (part) => part)).toBe(GREETING);
  });

  test('embeddings', async () => {
    const embeddings = new OllamaEmbeddings({ model: EMBEDDING_MODEL, ...settings() });
    const [first] = await embeddings.embedDocuments(['hello', 'goodbye']);
    expectAlike(first, await embeddings.embedQuery('hello'));
  });

  test('errors', async () => {
    await expect(chat(settings('pk_live_wrong')).invoke('Hello!')).rejects.toMatchObject({
      status_code: 401,
      message: expect.stringContaining('Incorrect API key provided'),
    });
    await expect(chat({ model: 'no-such-model' }).invoke('Hello!')).rejects.toMatchObject({
      status_code: 404,
      message: "model 'no-such-model' not found",
    });
  });

  test('limits', async () => {
    const limited = chat(settings(world.blockedKey)).invoke('Hello!');
    await expect(limited).rejects.toMatchObject({
      status_code: 429,
      message: expect.stringContaining('Rate limit reached'),
    });
  });

  simulated('a stream that fails midway', async () => {
    let text = '';
    const reading = (async () => {
      for await (const { content } of await chat({ model: BREAKING_MODEL }).stream('Hello!')) text += content;
    })();
    await expect(reading).rejects.toThrow();
    expect(text).not.toBe('');
  });

  simulated('leaving a stream', async () => {
    const left = world.expectLeft(async () => {
      const controller = new AbortController();
      const reading = (async () => {
        for await (const _ of await chat().stream(ENDLESS, { signal: controller.signal })) controller.abort();
      })();
      await expect(reading).rejects.toThrow(/abort/i);
    });
    if (CLOSES_UNREAD) return left;
    await expect(left).rejects.toThrow('did not come about');
    world.rig.simulator.pace = 0;
  });
});
