/** The Vercel AI SDK against the gateway, with its OpenAI-compatible provider and with its provider for Ollama. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  type EmbeddingModel,
  embed,
  embedMany,
  generateText,
  isStepCount,
  type LanguageModel,
  Output,
  streamText,
  tool,
} from 'ai';
import { createOllama } from 'ollama-ai-provider-v2';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
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
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => world?.rig.close());

interface Provider {
  chat(model?: string, key?: string): LanguageModel;
  completion(): LanguageModel;
  embedding(): EmbeddingModel;
}

const compatible = (apiKey = world.key) =>
  createOpenAICompatible({
    name: 'parallama',
    baseURL: world.openai,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
const ollama = (key = world.key) =>
  createOllama({ baseURL: `${world.ollama}/api`, headers: { Authorization: `Bearer ${key}` } });

const PROVIDERS: [string, Provider][] = [
  [
    '@ai-sdk/openai-compatible',
    {
      chat: (model = MODEL, key) => compatible(key).chatModel(model),
      completion: () => compatible().completionModel(MODEL),
      embedding: () => compatible().embeddingModel(EMBEDDING_MODEL),
    },
  ],
  [
    'ollama-ai-provider-v2',
    {
      chat: (model = NATIVE_MODEL, key) => ollama(key).chat(model),
      completion: () => ollama().completion(NATIVE_MODEL),
      embedding: () => ollama().embedding(EMBEDDING_MODEL),
    },
  ],
];

const tools = {
  get_weather: tool({
    description: 'Weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: () => WEATHER,
  }),
};
const output = Output.object({ schema: z.object({ city: z.string(), population: z.number().int() }) });

/** What a call fails with, as the SDK tells it. */
async function errorOf(call: PromiseLike<unknown>): Promise<APICallError> {
  const error = await call.then(
    () => expect.unreachable('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!APICallError.isInstance(error)) throw error;
  return error;
}

async function all<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const part of parts) list.push(part);
  return list;
}

describe.each(PROVIDERS)('%s', (name, provider) => {
  const native = name === 'ollama-ai-provider-v2';

  test('chat', async () => {
    const { text, finishReason, usage } = await generateText({ model: provider.chat(), prompt: 'Hello!' });
    expect([text, finishReason]).toEqual([GREETING, 'stop']);
    expect(usage).toMatchObject({ inputTokens: 10, outputTokens: 10 });
  });

  test('chat stops at its limit', async () => {
    // The provider for Ollama puts maxOutputTokens where Ollama does not look.
    const limit = native
      ? { providerOptions: { ollama: { options: { num_predict: 2 } } } }
      : { maxOutputTokens: 2 };
    const { finishReason, usage } = await generateText({
      model: provider.chat(),
      prompt: 'Hello!',
      ...limit,
    });
    expect([finishReason, usage.outputTokens]).toEqual(['length', 2]);
  });

  test('chat stream', async () => {
    const stream = streamText({ model: provider.chat(), prompt: 'Hello!' });
    const deltas = await all(stream.textStream);
    expect(deltas.length).toBeGreaterThan(3);
    expect(deltas.join('')).toBe(GREETING);
    expect(await stream.finishReason).toBe('stop');
    expect((await stream.usage).outputTokens).toBe(10);
  });

  test('tools', async () => {
    const options = { model: provider.chat(), prompt: ASK_WEATHER, tools, stopWhen: isStepCount(2) };
    const { text, steps } = await generateText(options);
    expect(steps[0]?.finishReason).toBe('tool-calls');
    expect(steps[0]?.toolCalls).toMatchObject([{ toolName: 'get_weather', input: { city: 'Paris' } }]);
    expect(text).toBe(WEATHER_ANSWER);
  });

  test('tools stream', async () => {
    const model = provider.chat();
    const twoTurns = streamText({ model, prompt: ASK_WEATHER, tools, stopWhen: isStepCount(2) });
    expect(await twoTurns.text).toBe(WEATHER_ANSWER);
    const calls = await streamText({ model, prompt: ASK_TWICE, tools }).toolCalls;
    expect(calls.map(({ input }) => input)).toEqual([{ city: 'Paris' }, { city: 'Rome' }]);
    expect(new Set(calls.map(({ toolCallId }) => toolCallId)).size).toBe(2);
  });

  test('schema', async () => {
    const options = { model: provider.chat(), prompt: ASK_JSON, output };
    const expected = { city: 'Paris', population: expect.any(Number) };
    expect((await generateText(options)).output).toEqual(expected);
    expect(await streamText(options).output).toEqual(expected);
  });

  test('reasoning', async () => {
    const options = {
      model: provider.chat(THINKING_MODEL),
      prompt: ASK_THOUGHTS,
      providerOptions: native ? { ollama: { think: true } } : undefined,
    };
    const whole = await generateText(options);
    const stream = streamText(options);
    for (const [text, thought] of [
      [whole.text, whole.reasoningText],
      [await stream.text, await stream.reasoningText],
    ]) {
      expect(text).toBe('The answer is 42.');
      expect(thought).toContain('6 times 5 is 30');
    }
  });

  test('completions', async () => {
    const options = { model: provider.completion(), prompt: 'Hello!', maxOutputTokens: 50 };
    const { text } = await generateText(options);
    expect(text).not.toBe('');
    vi.spyOn(console, 'warn').mockReturnValue(undefined);
    const streamed = (await all(streamText(options).textStream)).join('');
    // The provider for Ollama wants a context in each line and says so; Ollama sends one in the last.
    expect(streamed).toBe(native ? '' : text);
  });

  test('embeddings', async () => {
    const model = provider.embedding();
    const { embedding, usage } = await embed({ model, value: 'hello' });
    expect(usage.tokens).toBeGreaterThan(0);
    const { embeddings } = await embedMany({ model, values: ['hello', 'goodbye'] });
    expect(embeddings).toHaveLength(2);
    expect(embeddings[0]).toHaveLength(embedding.length);
    for (const [i, value] of embedding.entries()) expect(embeddings[0]?.[i]).toBeCloseTo(value, 5);
  });

  test('errors', async () => {
    const wrongKey = await errorOf(
      generateText({ model: provider.chat(undefined, 'pk_live_wrong'), prompt: 'Hello!', maxRetries: 0 }),
    );
    expect(wrongKey).toMatchObject({ statusCode: 401, isRetryable: false });
    expect(wrongKey.responseBody).toContain('Incorrect API key provided');
    const unknown = await errorOf(
      generateText({ model: provider.chat('no-such-model'), prompt: 'Hello!', maxRetries: 0 }),
    );
    expect(unknown).toMatchObject({ statusCode: 404, isRetryable: false });
    expect(unknown.responseBody).toContain('no-such-model');
    // The provider for Ollama expects an object where Ollama has a string, and then tells the status alone.
    if (!native) expect(unknown.message).toContain('no-such-model');
  });

  test('limits', async () => {
    const model = provider.chat(undefined, world.blockedKey);
    const error = await errorOf(generateText({ model, prompt: 'Hello!', maxRetries: 0 }));
    expect(error.statusCode).toBe(429);
    expect(error.responseBody).toContain('Rate limit reached');
    expect(Number(error.responseHeaders?.['retry-after'])).toBeGreaterThan(0);
  });

  simulated('a stream that fails midway', async () => {
    const broken = async (model: LanguageModel) => {
      const errors: unknown[] = [];
      const stream = streamText({ model, prompt: 'Hello!', onError: ({ error }) => void errors.push(error) });
      return { text: (await all(stream.textStream)).join(''), errors: errors.length };
    };
    vi.spyOn(console, 'warn').mockReturnValue(undefined);
    const seen = await broken(provider.chat(BREAKING_MODEL));
    expect(seen.text).not.toBe('');
    if (!native) return expect(seen.errors).toBe(1);
    // The provider for Ollama takes the error for a line it cannot read, and passes it over; with Ollama itself too.
    const direct = createOllama({ baseURL: `${world.rig.simulator.url}/api` });
    expect(seen).toEqual(await broken(direct.chat(BREAKING_MODEL)));
  });

  simulated('leaving a stream', async () => {
    await world.expectLeft(async () => {
      const controller = new AbortController();
      const stream = streamText({
        model: provider.chat(),
        prompt: ENDLESS,
        abortSignal: controller.signal,
      });
      for await (const _ of stream.textStream) controller.abort();
    });
  });
});
