/** The official `ollama` package against the gateway, with host `…/ollama`. */
import { type AbortableAsyncIterator, type ChatResponse, Ollama } from 'ollama';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, startRig, until } from '../support/gateway.js';
import { simulated } from '../support/upstream.js';

let rig: Rig;
let client: Ollama;
let disarm: (() => void) | undefined;
const clientOf = (key?: string, on = rig.url) =>
  new Ollama({ host: `${on}/ollama`, headers: key ? { Authorization: `Bearer ${key}` } : {} });

beforeAll(async () => {
  const limits = { request_limit_daily: 1 };
  rig = await startRig({ config: { limits: { roles: { once: { ollama: limits, openai: limits } } } } });
  rig.simulator.models.add({ name: 'seer', capabilities: ['completion', 'vision'] });
  client = clientOf((await rig.user()).key);
});
afterEach(() => {
  disarm?.();
  rig.simulator.pace = 0;
});
afterAll(() => rig.close());

const ask = (content: string) => [{ role: 'user', content }];
const GREETING = 'Hi! How can I help you today?';
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
  },
};
const asked = () => rig.simulator.requests.at(-1)?.body as Record<string, unknown>;

async function all<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const part of parts) list.push(part);
  return list;
}

/** What a call fails with, as the client tells it. */
async function errorOf(call: Promise<unknown>): Promise<{ status: unknown; error: unknown }> {
  const error = await call.then(
    () => expect.unreachable('it did not fail'),
    (thrown: unknown) => thrown as { status_code?: number; error?: string; message: string },
  );
  return { status: error.status_code, error: error.error };
}

describe('reading', () => {
  simulated('list, ps, version', async () => {
    const { models } = await client.list();
    expect(models.map(({ name }) => name)).toEqual(expect.arrayContaining(['llama2:latest', 'tiny:latest']));
    await client.generate({ model: 'llama2', prompt: 'Hello!' });
    expect((await client.ps()).models).toMatchObject([{ name: 'llama2:latest' }]);
    expect(await client.version()).toEqual({ version: '0.24.0' });
  });

  simulated("show, without what is the operator's", async () => {
    const shown = await client.show({ model: 'llama2' });
    expect(shown.details).toMatchObject({ family: 'llama', parameter_size: '7B' });
    expect(shown.capabilities).toContain('completion');
    expect(shown.model_info).toMatchObject({ 'general.architecture': 'llama' });
    expect(shown.modelfile).toBeUndefined();
    const admin = clientOf((await rig.user('admin')).key);
    expect((await admin.show({ model: 'llama2' })).modelfile).toContain('FROM');
  });
});

describe('generating', () => {
  test('chat, whole and streamed', async () => {
    const request = { model: 'llama2', messages: ask('Hello!') };
    const whole = await client.chat(request);
    expect(whole).toMatchObject({
      model: 'llama2',
      done: true,
      message: { role: 'assistant', content: GREETING },
    });
    expect(whole.eval_count).toBe(10);
    const parts = await all(await client.chat({ ...request, stream: true }));
    expect(parts.map(({ message }) => message.content).join('')).toBe(GREETING);
    expect(parts.at(-1)).toMatchObject({ done: true, done_reason: 'stop', prompt_eval_count: 10 });
  });

  simulated('generate, whole and streamed, with a suffix and with options', async () => {
    const request = { model: 'llama2', prompt: 'Hello!' };
    expect((await client.generate(request)).response).toBe(GREETING);
    const parts = await all(await client.generate({ ...request, stream: true }));
    expect(parts.map(({ response }) => response).join('')).toBe(GREETING);
    const between = { model: 'llama2', prompt: 'def add(a, b):', suffix: 'return c' };
    expect((await client.generate(between)).response).toContain('a + b');
    const cut = await client.generate({
      ...request,
      options: { num_predict: 3, temperature: 0, stop: ['!'] },
    });
    expect(cut.eval_count).toBeLessThanOrEqual(3);
    expect(asked().options).toMatchObject({ num_predict: 3, temperature: 0, stop: ['!'] });
  });

  test('an empty request loads a model', async () => {
    expect(await client.generate({ model: 'tiny', prompt: '' })).toMatchObject({ done_reason: 'load' });
    expect(await all(await client.chat({ model: 'tiny', messages: [], stream: true }))).toMatchObject([
      { done: true, done_reason: 'load' },
    ]);
  });

  test('tools, and the turn after them', async () => {
    const messages = ask('What is the weather in Paris?');
    const request = { model: 'llama2', messages, tools: [weather] };
    const { message } = await client.chat(request);
    expect(message.tool_calls).toMatchObject([
      { function: { name: 'get_weather', arguments: { city: 'Paris' } } },
    ]);
    const streamed = await all(await client.chat({ ...request, stream: true }));
    expect(streamed.flatMap((part) => part.message.tool_calls ?? [])).toHaveLength(1);
    const result = { role: 'tool', tool_name: 'get_weather', content: '18 C and sunny' };
    const next = await client.chat({ ...request, messages: [...messages, message, result] });
    expect(next.message.content).toBe('It is 18 C and sunny in Paris.');
  });

  test('two tools in a stream', async () => {
    const messages = ask('What is the weather in Paris and Rome?');
    const parts = await all(await client.chat({ model: 'llama2', messages, tools: [weather], stream: true }));
    const calls = parts.flatMap(({ message }) => message.tool_calls ?? []);
    expect(calls.map((call) => call.function.arguments)).toEqual([{ city: 'Paris' }, { city: 'Rome' }]);
  });

  test('thoughts', async () => {
    const request = { model: 'tiny-think', messages: ask('What is 6 times 7? Think first'), think: true };
    const { message } = await client.chat(request);
    expect(message.thinking).toContain('6 times 5 is 30');
    expect(message.content).toBe('The answer is 42.');
    const parts = await all(await client.chat({ ...request, stream: true }));
    expect(parts.map((part) => part.message.thinking ?? '').join('')).toContain('6 times 5 is 30');
    expect(await errorOf(client.chat({ ...request, model: 'llama2' }))).toEqual({
      status: 400,
      error: '"llama2" does not support thinking',
    });
  });

  simulated('a format', async () => {
    const messages = ask('Give me JSON about Paris');
    const free = await client.chat({ model: 'llama2', messages, format: 'json' });
    expect(JSON.parse(free.message.content)).toMatchObject({ city: 'Paris' });
    const format = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const { message } = await client.chat({ model: 'llama2', messages, format });
    expect(JSON.parse(message.content)).toEqual({ city: 'Paris' });
  });

  simulated('an image, given as base64 or as bytes', async () => {
    const given: (string[] | Uint8Array[])[] = [[PIXEL], [Buffer.from(PIXEL, 'base64')]];
    for (const images of given) {
      const messages = [{ role: 'user', content: 'What is this?', images }];
      const { message } = await client.chat({ model: 'seer', messages });
      expect(message.content).toMatch(/^I see an image/);
      expect(asked().messages).toMatchObject([{ images: [PIXEL] }]);
    }
  });

  simulated('embed and embeddings', async () => {
    const model = 'nomic-embed-text';
    const { embeddings, prompt_eval_count } = await client.embed({ model, input: ['one', 'two words'] });
    expect(embeddings.map(({ length }) => length)).toEqual([768, 768]);
    expect(prompt_eval_count).toBeGreaterThan(0);
    expect((await client.embeddings({ model, prompt: 'one' })).embedding).toHaveLength(768);
  });

  simulated('a stream that is aborted stops Ollama', async () => {
    rig.simulator.pace = 5;
    const known = rig.simulator.requests.length;
    const request = { model: 'llama2', messages: ask('Count from 1 to 2000') };
    const stream: AbortableAsyncIterator<ChatResponse> = await client.chat({ ...request, stream: true });
    const reading = (async () => {
      for await (const _ of stream) {
        if ((rig.simulator.requests[known]?.generated ?? 0) > 5) stream.abort();
      }
    })();
    await expect(reading).rejects.toThrow(/abort/i);
    const seen = rig.simulator.requests[known]!;
    await until(() => seen.abortedAt !== undefined);
    expect(seen.generated).toBeLessThan(200);
  });

  simulated('a stream that breaks throws what happened', async () => {
    disarm = rig.simulator.fail({ kind: 'error-line', afterTokens: 5, error: 'boom' });
    const reading = (async () =>
      all(await client.chat({ model: 'llama2', messages: ask('Count from 1 to 60'), stream: true })))();
    await expect(reading).rejects.toThrow('boom');
  });
});

describe('managing models', () => {
  const everything: [string, (ollama: Ollama) => Promise<unknown>][] = [
    ['pull', (ollama) => ollama.pull({ model: 'mistral' })],
    ['pull, streamed', (ollama) => ollama.pull({ model: 'mistral', stream: true })],
    ['push', (ollama) => ollama.push({ model: 'tiny' })],
    ['create', (ollama) => ollama.create({ model: 'mine', from: 'llama2', system: 'Be brief.' })],
    ['copy', (ollama) => ollama.copy({ source: 'tiny', destination: 'small' })],
    ['delete', (ollama) => ollama.delete({ model: 'small' })],
  ];

  simulated.each(everything)('%s is not for everybody, and Ollama does not hear of it', async (_, manage) => {
    const before = rig.simulator.requests.length;
    expect(await errorOf(manage(client))).toEqual({
      status: 403,
      error: "The role 'premium' does not allow managing models.",
    });
    expect(rig.simulator.requests.length).toBe(before);
  });

  simulated('works for an admin, with its progress, and shows at once', async () => {
    const admin = clientOf((await rig.user('admin')).key);
    const names = async () => (await admin.list()).models.map(({ name }) => name);
    const progress = await all(await admin.pull({ model: 'mistral', stream: true }));
    expect(progress[0]).toMatchObject({ status: 'pulling manifest' });
    expect(progress.some(({ total, completed }) => total > 0 && completed === total)).toBe(true);
    expect(progress.at(-1)).toEqual({ status: 'success' });
    expect(await admin.pull({ model: 'llama3.2' })).toEqual({ status: 'success' });

    const made = await all(
      await admin.create({ model: 'mine', from: 'mistral', system: 'Be brief.', stream: true }),
    );
    expect(made.at(-1)).toEqual({ status: 'success' });
    expect(await admin.copy({ source: 'mine', destination: 'yours' })).toMatchObject({ status: 'success' });
    expect(await names()).toEqual(expect.arrayContaining(['mistral:latest', 'mine:latest', 'yours:latest']));
    expect(await admin.delete({ model: 'mine' })).toMatchObject({ status: 'success' });
    expect(await names()).not.toContain('mine:latest');
    const guide = await fetch(`${rig.url}/openai/v1/models`, {
      headers: { authorization: `Bearer ${(await rig.user()).key}` },
    });
    expect(await guide.text()).toContain('yours:latest');
    expect(await errorOf(admin.delete({ model: 'mine' }))).toMatchObject({ status: 404 });
    const missing = (async () => all(await admin.pull({ model: 'nothing-like-it', stream: true })))();
    await expect(missing).rejects.toThrow('pull model manifest: file does not exist');
  });
});

describe('errors', () => {
  const hello = { model: 'llama2', messages: ask('Hello!') };

  test('401 without a key, and with a wrong one', async () => {
    expect(await errorOf(clientOf().chat(hello))).toEqual({
      status: 401,
      error: expect.stringContaining("You didn't provide an API key"),
    });
    expect(await errorOf(clientOf('wrong').list())).toEqual({
      status: 401,
      error: 'Incorrect API key provided: ****.',
    });
  });

  test('404 in the words of Ollama', async () => {
    const model = 'no-such-model';
    expect(await errorOf(client.chat({ ...hello, model }))).toEqual({
      status: 404,
      error: "model 'no-such-model' not found",
    });
    expect(await errorOf(client.embed({ model, input: 'one' }))).toEqual({
      status: 404,
      error: 'model "no-such-model" not found, try pulling it first',
    });
  });

  test('429 says which limit', async () => {
    const user = await rig.user('once');
    const once = clientOf(user.key);
    await once.chat(hello);
    expect(await errorOf(once.chat(hello))).toEqual({
      status: 429,
      error: expect.stringMatching(
        /^Rate limit reached for llama2 on requests per day of the ollama gateway/,
      ),
    });
    expect(rig.log.filter((line) => line.log === 'api' && line.user === user.id)).toHaveLength(2);
  });

  simulated('502 and 503', async () => {
    disarm = rig.simulator.fail({ kind: 'refuse' });
    expect(await errorOf(client.chat(hello))).toEqual({
      status: 502,
      error: 'The model server cannot be reached.',
    });
    disarm();
    disarm = rig.simulator.fail({ kind: 'queue-full' });
    expect(await errorOf(client.chat(hello))).toMatchObject({
      status: 503,
      error: expect.stringContaining('busy'),
    });
  });
});
