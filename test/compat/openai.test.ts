/** The official `openai` package against the gateway, over real sockets: it must not be able to tell. */
import OpenAI, { APIError } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, startRig, until } from '../support/gateway.js';
import { simulated } from '../support/upstream.js';

let rig: Rig;
let key: string;
let client: OpenAI;
let disarm: (() => void) | undefined;
const clientOf = (apiKey: string, maxRetries = 0, on = rig) =>
  new OpenAI({ apiKey, baseURL: `${on.url}/openai/v1`, maxRetries });

beforeAll(async () => {
  const limits = { request_limit_daily: 1 };
  rig = await startRig({
    config: {
      server: { body_limit: 100_000 },
      roles: { narrow: { gateways: ['openai'], models: ['tiny*'] } },
      limits: { roles: { once: { openai: limits, ollama: limits } } },
    },
  });
  rig.simulator.models.add({ name: 'hf.co/someone/some-model:Q4_K_M' });
  rig.simulator.models.add({ name: 'seer', capabilities: ['completion', 'vision', 'tools'] });
  ({ key } = await rig.user('admin'));
  client = clientOf(key);
});
afterEach(() => {
  disarm?.();
  rig.simulator.pace = 0;
});
afterAll(() => rig.close());

const ask = (content: string) => [{ role: 'user' as const, content }];
const HELLO = { model: 'gpt-4', messages: ask('Hello!') };
const GREETING = 'Hi! How can I help you today?';
const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    parse: JSON.parse,
    function: ({ city }: { city: string }) => (city === 'Paris' ? '18 C and sunny' : 'nothing'),
  },
};
/** What Ollama was asked last. */
const asked = () =>
  rig.simulator.requests.at(-1)?.body as { options?: Record<string, unknown>; [key: string]: unknown };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** The error that a call fails with. */
async function errorOf(call: Promise<unknown>): Promise<APIError> {
  const error = await call.then(
    () => expect.unreachable('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof APIError)) throw error;
  return error;
}

describe('chat', () => {
  test('whole', async () => {
    const reply = await client.chat.completions.create(HELLO);
    expect(reply).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      model: 'gpt-4',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: GREETING } }],
      usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 },
    });
    expect(Math.abs(reply.created - Date.now() / 1_000)).toBeLessThan(60);
    expect(reply._request_id).toMatch(/^req_/);
  });

  test('streamed', async () => {
    const ids = new Set<string>();
    let text = '';
    let roles = 0;
    const stream = await client.chat.completions.create({ ...HELLO, stream: true });
    for await (const { id, model, choices, usage } of stream) {
      ids.add(id);
      expect(model).toBe('gpt-4');
      expect(usage).toBeUndefined();
      roles += choices[0]?.delta.role ? 1 : 0;
      text += choices[0]?.delta.content ?? '';
    }
    expect([text, roles, ids.size]).toEqual([GREETING, 1, 1]);
  });

  test('streamed with its usage in a chunk of its own', async () => {
    const options = { ...HELLO, stream: true as const, stream_options: { include_usage: true } };
    const chunks = await all(await client.chat.completions.create(options));
    const last = chunks.pop();
    expect(last).toMatchObject({ choices: [], usage: { prompt_tokens: 10, total_tokens: 20 } });
    for (const chunk of chunks) expect(chunk.usage).toBeNull();
  });

  test('streamed by the helper', async () => {
    const stream = client.chat.completions.stream({ ...HELLO, stream_options: { include_usage: true } });
    let heard = '';
    stream.on('content', (delta) => {
      heard += delta;
    });
    const message = await stream.finalMessage();
    expect(message.content).toBe(GREETING);
    expect(heard).toBe(GREETING);
    expect((await stream.totalUsage()).total_tokens).toBe(20);
  });

  simulated('is steered by stop, seed and the limits for tokens', async () => {
    const messages = ask('Count from 1 to 100');
    const { create } = client.chat.completions;
    const call = (more: object) =>
      create.call(client.chat.completions, { model: 'gpt-4', messages, ...more });
    const choice = async (more: object) => {
      const reply = (await call(more)) as OpenAI.ChatCompletion;
      const { finish_reason, message } = reply.choices[0]!;
      return { finish_reason, text: message.content ?? '', tokens: reply.usage?.completion_tokens };
    };
    const stopped = await choice({ stop: ', 7', seed: 42, temperature: 0 });
    expect(stopped).toMatchObject({ finish_reason: 'stop', text: '1, 2, 3, 4, 5, 6' });
    expect(asked().options).toMatchObject({ stop: [', 7'], seed: 42, temperature: 0 });
    expect(await choice({ max_tokens: 5 })).toMatchObject({ finish_reason: 'length', tokens: 5 });
    expect(await choice({ max_completion_tokens: 6 })).toMatchObject({ finish_reason: 'length', tokens: 6 });
    expect(await choice({ max_tokens: 5, max_completion_tokens: 7 })).toMatchObject({ tokens: 7 });
    await choice({});
    expect(asked().model).toBe('llama2:70b');
    expect(asked().options).toBeUndefined();
  });

  test('several choices', async () => {
    const reply = await client.chat.completions.create({ ...HELLO, n: 2 });
    expect(reply.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, GREETING],
      [1, GREETING],
    ]);
    expect(reply.usage?.completion_tokens).toBe(20);
  });

  simulated('JSON by a schema, parsed', async () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' }, population: { type: 'integer' } },
      required: ['city', 'population'],
      additionalProperties: false,
    };
    const reply = await client.chat.completions.parse({
      model: 'gpt-4',
      messages: ask('Give me JSON about Paris'),
      response_format: { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } },
    });
    const content = JSON.parse(reply.choices[0]?.message.content ?? '') as { city: string };
    expect(content.city).toBe('Paris');
    expect(asked().format).toEqual(schema);
    const object = { ...HELLO, response_format: { type: 'json_object' as const } };
    const json = await client.chat.completions.create(object);
    expect(() => JSON.parse(json.choices[0]?.message.content ?? '')).not.toThrow();
  });

  simulated('an image as data URL', async () => {
    const pixel =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const reply = await client.chat.completions.create({
      model: 'seer',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } },
          ],
        },
      ],
    });
    expect(reply.choices[0]?.message.content).toMatch(/^I see an image/);
    expect(asked().messages).toEqual([{ role: 'user', content: 'What is this?', images: [pixel] }]);
  });

  test('thoughts beside the answer', async () => {
    const messages = ask('What is 6 times 7? Think first');
    const thinking = { model: 'tiny-think', messages, reasoning_effort: 'low' as const };
    const reply = await client.chat.completions.create(thinking);
    expect(reply.choices[0]?.message).toMatchObject({
      content: 'The answer is 42.',
      reasoning: expect.stringContaining('6 times 5 is 30'),
    });
    let [thought, said] = ['', ''];
    for await (const { choices } of await client.chat.completions.create({ ...thinking, stream: true })) {
      const delta: { content?: string | null; reasoning?: string } = choices[0]?.delta ?? {};
      thought += delta.reasoning ?? '';
      said += delta.content ?? '';
    }
    expect(thought).toContain('6 times 5 is 30');
    expect(said).toBe('The answer is 42.');
  });

  test('logprobs', async () => {
    const reply = await client.chat.completions.create({ ...HELLO, logprobs: true, top_logprobs: 2 });
    const content = reply.choices[0]?.logprobs?.content ?? [];
    expect(content.map(({ token }) => token).join('')).toContain(GREETING);
    for (const { logprob, top_logprobs } of content) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top_logprobs).toHaveLength(2);
    }
  });
});

describe('tools', () => {
  const paris = { model: 'gpt-4', messages: ask('What is the weather in Paris?'), tools: [weather] };
  const both = { ...paris, messages: ask('What is the weather in Paris and Rome?') };
  type Calls = OpenAI.ChatCompletionMessageToolCall[] | undefined;
  const functions = (calls: Calls) =>
    calls?.map((call) => (call.type === 'function' ? [call.function.name, call.function.arguments] : []));

  test('one call, and the turn after it', async () => {
    const { choices } = await client.chat.completions.create(paris);
    const { message, finish_reason } = choices[0]!;
    expect(finish_reason).toBe('tool_calls');
    expect(functions(message.tool_calls)).toEqual([['get_weather', '{"city":"Paris"}']]);
    const [call] = message.tool_calls!;
    const result = { role: 'tool' as const, tool_call_id: call!.id, content: '18 C and sunny' };
    const next = await client.chat.completions.create({
      ...paris,
      messages: [...paris.messages, message, result],
    });
    expect(next.choices[0]?.message.content).toBe('It is 18 C and sunny in Paris.');
  });

  test.each([true, false])('run by the helper over two turns, streamed: %s', async (stream) => {
    const runner = stream
      ? client.chat.completions.runTools({ ...paris, stream })
      : client.chat.completions.runTools(paris);
    expect(await runner.finalContent()).toBe('It is 18 C and sunny in Paris.');
  });

  test('two at once, whole and streamed, each with an id and a place of its own', async () => {
    const whole = await client.chat.completions.create(both);
    const streamed = await client.chat.completions.stream(both).finalMessage();
    for (const calls of [whole.choices[0]?.message.tool_calls, streamed.tool_calls]) {
      expect(functions(calls as Calls)).toEqual([
        ['get_weather', '{"city":"Paris"}'],
        ['get_weather', '{"city":"Rome"}'],
      ]);
      expect(new Set(calls?.map(({ id }) => id)).size).toBe(2);
    }
  });

  simulated('one at a time, or none, where the client says so', async () => {
    const one = await client.chat.completions.create({ ...both, parallel_tool_calls: false });
    expect(one.choices[0]?.message.tool_calls).toHaveLength(1);
    const none = await client.chat.completions.create({ ...paris, tool_choice: 'none' });
    expect(none.choices[0]?.message.tool_calls ?? []).toEqual([]);
    expect(asked().tools).toBeUndefined();
  });
});

describe('completions', () => {
  const prompt = 'Count from 1 to 20';

  test('whole and streamed', async () => {
    const whole = await client.completions.create({ model: 'gpt-4', prompt });
    expect(whole).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      model: 'gpt-4',
    });
    const { text, finish_reason } = whole.choices[0]!;
    expect(text).toContain('1, 2, 3');
    expect(finish_reason).toBe('stop');
    let streamed = '';
    for await (const chunk of await client.completions.create({ model: 'gpt-4', prompt, stream: true })) {
      streamed += chunk.choices[0]?.text ?? '';
    }
    expect(streamed).toBe(text);
  });

  simulated('of several prompts, several times', async () => {
    const prompts = ['Count from 1 to 3', 'Count from 4 to 6'];
    const reply = await client.completions.create({ model: 'gpt-4', prompt: prompts, n: 2 });
    expect(reply.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const texts = reply.choices.map(({ text }) => text);
    expect(texts[0]).toBe(texts[1]);
    expect(texts[2]).toBe(texts[3]);
    expect(texts[0]).toContain('1, 2, 3');
    expect(texts[2]).toContain('4, 5, 6');
    const parts: string[] = ['', ''];
    const stream = await client.completions.create({ model: 'gpt-4', prompt: prompts, stream: true });
    for await (const { choices } of stream) {
      for (const { index, text } of choices) parts[index] += text;
    }
    expect(parts).toEqual([texts[0], texts[2]]);
  });
});

describe('embeddings', () => {
  const model = 'nomic-embed-text';

  test('in base64, as the client asks by default, and as numbers', async () => {
    const input = ['one', 'two words'];
    const packed = await client.embeddings.create({ model, input });
    const plain = await client.embeddings.create({ model, input, encoding_format: 'float' });
    expect(packed.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(packed.usage).toEqual(plain.usage);
    expect(packed.usage.prompt_tokens).toBeGreaterThan(0);
    for (const [i, { embedding }] of packed.data.entries()) {
      expect(embedding).toHaveLength(plain.data[i]!.embedding.length);
      for (const [j, value] of embedding.entries()) {
        expect(value).toBeCloseTo(plain.data[i]!.embedding[j]!, 6);
      }
    }
  });

  test('cut to fewer dimensions', async () => {
    const { data } = await client.embeddings.create({ model, input: 'one', dimensions: 8 });
    expect(data[0]?.embedding).toHaveLength(8);
  });
});

describe('models', () => {
  simulated('the names of the mappings and the models there are, each once', async () => {
    const ids = (await all(client.models.list())).map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['gpt-3.5-turbo', 'gpt-4', 'llama2:latest', 'tiny:latest']));
    expect(new Set(ids).size).toBe(ids.length);
  });

  simulated.each(['gpt-4', 'llama2', 'llama2:70b', 'hf.co/someone/some-model:Q4_K_M'])(
    'one of them: %s',
    async (id) => {
      expect(await client.models.retrieve(id)).toMatchObject({
        id,
        object: 'model',
        created: expect.any(Number),
        owned_by: expect.any(String),
      });
    },
  );

  simulated('a name with slashes in it works in requests too', async () => {
    const reply = await client.chat.completions.create({
      ...HELLO,
      model: 'hf.co/someone/some-model:Q4_K_M',
    });
    expect(reply.choices[0]?.message.content).toBe(GREETING);
  });

  simulated('a role sees what it may use', async () => {
    const narrow = clientOf((await rig.user('narrow')).key);
    const ids = (await all(narrow.models.list())).map(({ id }) => id);
    expect(ids.sort()).toEqual(['tiny-embed:latest', 'tiny-think:latest', 'tiny:latest']);
    expect((await errorOf(narrow.models.retrieve('gpt-4'))).status).toBe(404);
  });
});

describe('a stream', () => {
  const count = { model: 'gpt-4', messages: ask('Count from 1 to 2000'), stream: true as const };

  simulated('that the client aborts stops Ollama', async () => {
    rig.simulator.pace = 5;
    const known = rig.simulator.requests.length;
    const stream = await client.chat.completions.create(count);
    for await (const _ of stream) {
      if ((rig.simulator.requests[known]?.generated ?? 0) > 5) stream.controller.abort();
    }
    const seen = rig.simulator.requests[known]!;
    await until(() => seen.abortedAt !== undefined);
    expect(seen.generated).toBeLessThan(100);
  });

  simulated('that breaks throws what happened, after the text that came', async () => {
    disarm = rig.simulator.fail({ kind: 'error-line', afterTokens: 20, error: 'boom' });
    let text = '';
    const reading = (async () => {
      for await (const { choices } of await client.chat.completions.create(count)) {
        text += choices[0]?.delta.content ?? '';
      }
    })();
    const error = await errorOf(reading);
    expect(error).toMatchObject({ code: 'upstream_error', type: 'server_error' });
    expect(text).toMatch(/^1, 2, 3/);
  });
});

describe('errors', () => {
  test('400 names the field', async () => {
    const error = await errorOf(client.chat.completions.create({ ...HELLO, temperature: 3 }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      param: 'temperature',
      code: 'invalid_value',
    });
    expect(error.requestID).toMatch(/^req_/);
  });

  test('401', async () => {
    const error = await errorOf(clientOf('wrong').models.list());
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({
      status: 401,
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    });
    expect(error.requestID).toMatch(/^req_/);
  });

  simulated('403', async () => {
    const narrow = clientOf((await rig.user('narrow')).key);
    const error = await errorOf(narrow.chat.completions.create(HELLO));
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(error).toMatchObject({ status: 403, type: 'invalid_request_error', param: 'model' });
  });

  test('404, of a model and of a path', async () => {
    const model = await errorOf(client.chat.completions.create({ ...HELLO, model: 'no-such-model' }));
    expect(model).toBeInstanceOf(OpenAI.NotFoundError);
    expect(model).toMatchObject({
      status: 404,
      code: 'model_not_found',
      message: expect.stringContaining('no-such'),
    });
    const path = await errorOf(client.images.generate({ prompt: 'a cat' }));
    expect(path).toBeInstanceOf(OpenAI.NotFoundError);
    expect(path).toMatchObject({
      type: 'invalid_request_error',
      message: expect.stringContaining('Invalid URL'),
    });
  });

  test('413', async () => {
    const error = await errorOf(
      client.chat.completions.create({ ...HELLO, messages: ask('x'.repeat(200_000)) }),
    );
    expect(error).toMatchObject({ status: 413, code: 'request_too_large', type: 'invalid_request_error' });
  });

  test('429 of a limit that waiting does not cure is not tried again', async () => {
    const user = await rig.user('once');
    const patient = clientOf(user.key, 5);
    await patient.chat.completions.create(HELLO);
    const error = await errorOf(patient.chat.completions.create(HELLO));
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ status: 429, type: 'requests', param: null, code: 'rate_limit_exceeded' });
    expect(error.requestID).toMatch(/^req_/);
    expect(error.headers?.get('x-should-retry')).toBe('false');
    expect(error.headers?.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(rig.log.filter((line) => line.log === 'api' && line.user === user.id)).toHaveLength(2);
  });

  simulated.each<[number, string, Parameters<Rig['simulator']['fail']>[0]]>([
    [502, 'upstream_unavailable', { kind: 'refuse' }],
    [502, 'upstream_error', { kind: 'status', status: 500, error: 'model runner has unexpectedly stopped' }],
    [503, 'server_is_overloaded', { kind: 'queue-full' }],
  ])('%i %s', async (status, code, fault) => {
    disarm = rig.simulator.fail(fault);
    const error = await errorOf(client.chat.completions.create(HELLO));
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error).toMatchObject({ status, code, type: expect.stringMatching(/error$/) });
    expect(error.requestID).toMatch(/^req_/);
  });

  simulated('what fails once is tried again, and works', async () => {
    disarm = rig.simulator.fail({ kind: 'refuse', times: 1 });
    const reply = await clientOf(key, 1).chat.completions.create(HELLO);
    expect(reply.choices[0]?.message.content).toBe(GREETING);
  });

  simulated('what fails halfway has cost something, and is not tried again unasked', async () => {
    disarm = rig.simulator.fail({ kind: 'error-line', afterTokens: 10, error: 'boom' });
    const before = rig.simulator.requests.length;
    const error = await errorOf(
      clientOf(key, 3).chat.completions.create({ ...HELLO, messages: ask('Count from 1 to 60') }),
    );
    expect(error.status).toBe(502);
    expect(rig.simulator.requests.length - before).toBe(1);
  });

  test('a store that is away is 503, never 401', async () => {
    const own = await startRig();
    const user = await own.user();
    await own.store.close();
    const error = await errorOf(clientOf(user.key, 0, own).chat.completions.create(HELLO));
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error).toMatchObject({
      status: 503,
      code: 'store_unavailable',
      type: 'service_unavailable_error',
    });
    await own.close();
  });
});
