/** The real clients, fed with what the translator writes: no server, only `fetch` replaced. */
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/core/errors.js';
import {
  type Exchange,
  readChatCompletion,
  readCompletion,
  readEmbeddings,
  readNativeChat,
  type StreamEncoder,
} from '../../src/core/translate/index.js';
import { collected, linesOf, recording } from './recordings.js';

const context = { model: 'gpt-4', renamed: true, created: 1_795_397_174 };
const READERS: Record<string, (body: unknown) => Exchange> = {
  '/chat/completions': readChatCompletion,
  '/completions': readCompletion,
  '/embeddings': readEmbeddings,
  '/api/chat': readNativeChat,
};

/** Answers each request by the next recording, as the gateway would. */
function answering(
  names: string[],
  end?: (encoder: StreamEncoder) => string,
): { fetch: typeof fetch; seen: Exchange[] } {
  const seen: Exchange[] = [];
  const answer = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const path = Object.keys(READERS).find((one) => String(url).endsWith(one));
    const exchange = READERS[path ?? '']!(JSON.parse(String(init?.body)));
    const name = names[seen.length]!;
    seen.push(exchange);
    if (!exchange.stream) {
      const value = collected(recording(`${name}.native`).response.body);
      const whole = exchange.whole([{ value }], context);
      const body = Buffer.isBuffer(whole) ? String(whole) : JSON.stringify(whole);
      return new Response(body, { headers: { 'content-type': 'application/json' } });
    }
    const encoder = exchange.encoder(context);
    const lines = linesOf(recording(`${name}.native.stream`).response.body);
    const written = lines
      .slice(0, end ? 3 : undefined)
      .map(({ chunk, line }) => String(encoder.write(0, chunk, line)));
    return new Response(written.join('') + (end ? end(encoder) : encoder.end()), {
      headers: encoder.headers,
    });
  };
  return { fetch: answer, seen };
}

const openai = (fetch: OpenAI['_options']['fetch']) =>
  new OpenAI({ apiKey: 'x', baseURL: 'http://gateway/openai/v1', maxRetries: 0, fetch });
const messages = [{ role: 'user' as const, content: 'What is the weather in Paris?' }];
const tool = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
    parse: JSON.parse,
    function: ({ city }: { city: string }) => `18 C and sunny in ${city}`,
  },
};

describe('openai for Node', () => {
  it('reads a whole chat', async () => {
    const client = openai(answering(['chat-hello']).fetch);
    const reply = await client.chat.completions.create({ model: 'gpt-4', messages });
    expect(reply.choices[0]?.message.content).toBe('Hi! How can I help you today?');
    expect(reply.model).toBe('gpt-4');
  });

  it('reads a streamed chat by its helper, with two tool calls', async () => {
    const client = openai(answering(['chat-tools-two']).fetch);
    const stream = client.chat.completions.stream({
      model: 'gpt-4',
      messages,
      tools: [tool],
      stream_options: { include_usage: true },
    });
    const completion = await stream.finalChatCompletion();
    const calls = completion.choices[0]?.message.tool_calls ?? [];
    expect(calls.map((call) => (call.type === 'function' ? call.function.arguments : ''))).toEqual([
      '{"city":"Paris"}',
      '{"city":"Rome"}',
    ]);
    expect(completion.choices[0]?.finish_reason).toBe('tool_calls');
    expect(completion.usage?.total_tokens).toBe(90);
  });

  it.each([true, false])('runs a tool and asks again, streaming: %s', async (stream) => {
    const { fetch, seen } = answering(['chat-tool', 'chat-tool-answer']);
    const options = { model: 'gpt-4', messages, tools: [tool] };
    const tools = openai(fetch).chat.completions;
    const content = await (stream
      ? tools.runTools({ ...options, stream })
      : tools.runTools(options)
    ).finalContent();
    expect(content).toBe('It is 18 C and sunny in Paris.');
    expect(seen[1]?.calls[0]?.request.messages).toMatchObject([
      { role: 'user' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ function: { name: 'get_weather', arguments: { city: 'Paris' } } }],
      },
      { role: 'tool', tool_name: 'get_weather', content: '18 C and sunny in Paris' },
    ]);
  });

  it('throws what a stream fails with, after the text that came', async () => {
    const error = new GatewayError('upstream_error', { message: 'it broke' });
    const client = openai(answering(['chat-hello'], (encoder) => encoder.fail(error)).fetch);
    let text = '';
    const reading = (async () => {
      const stream = await client.chat.completions.create({ model: 'gpt-4', messages, stream: true });
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    })();
    await expect(reading).rejects.toMatchObject({
      message: 'it broke',
      code: 'upstream_error',
      type: 'server_error',
    });
    expect(text).toBe('Hi! How');
  });

  it('ignores heartbeats', async () => {
    const client = openai(answering(['chat-hello'], (encoder) => encoder.heartbeat + encoder.end()).fetch);
    let text = '';
    for await (const chunk of await client.chat.completions.create({
      model: 'gpt-4',
      messages,
      stream: true,
    })) {
      text += chunk.choices[0]?.delta.content ?? '';
    }
    expect(text).toBe('Hi! How');
  });

  it('reads completions, whole and streamed', async () => {
    const { completions } = openai(answering(['generate-max', 'generate-max']).fetch);
    const whole = await completions.create({ model: 'gpt-4', prompt: 'a' });
    expect(whole.choices[0]).toMatchObject({ text: 'The sky is blue b', finish_reason: 'length' });
    let text = '';
    for await (const chunk of await completions.create({ model: 'gpt-4', prompt: 'a', stream: true })) {
      text += chunk.choices[0]?.text ?? '';
    }
    expect(text).toBe('The sky is blue b');
  });

  it('reads embeddings in the base64 that it asks for by default', async () => {
    const { fetch, seen } = answering(['embed-dimensions', 'embed-dimensions']);
    const { embeddings } = openai(fetch);
    const [decoded] = (await embeddings.create({ model: 'gpt-4', input: 'hello', dimensions: 8 })).data;
    const asked = { model: 'gpt-4', input: 'hello', dimensions: 8, encoding_format: 'float' as const };
    const [floats] = (await embeddings.create(asked)).data;
    expect(seen).toHaveLength(2);
    expect(decoded?.embedding).toHaveLength(8);
    decoded?.embedding.forEach((value, i) => {
      expect(value).toBeCloseTo(floats!.embedding[i]!, 6);
    });
  });
});

describe('ollama for Node', () => {
  const ollama = (names: string[], end?: (encoder: StreamEncoder) => string) =>
    new Ollama({ host: 'http://gateway/ollama', fetch: answering(names, end).fetch });

  it('reads a chat under its own name for the model, whole and streamed', async () => {
    const client = ollama(['chat-hello', 'chat-hello']);
    expect(await client.chat({ model: 'gpt-4', messages })).toMatchObject({
      model: 'gpt-4',
      message: { content: 'Hi! How can I help you today?' },
    });
    let text = '';
    for await (const part of await client.chat({ model: 'gpt-4', messages, stream: true })) {
      expect(part.model).toBe('gpt-4');
      text += part.message.content;
    }
    expect(text).toBe('Hi! How can I help you today?');
  });

  it('throws what a stream fails with', async () => {
    const error = new GatewayError('upstream_error', { message: 'it broke' });
    const client = ollama(['chat-hello'], (encoder) => encoder.fail(error));
    const reading = (async () => {
      for await (const _ of await client.chat({ model: 'gpt-4', messages, stream: true }));
    })();
    await expect(reading).rejects.toThrow('it broke');
  });
});
