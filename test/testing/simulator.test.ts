import { Ollama } from 'ollama';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/testing/index.js';
import { lines, post, send } from './http.js';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({
    registry: [{ name: 'phi3' }],
    models: [
      { name: 'llama2', contextLength: 512, answers: { 'Who are you?': 'Nobody.' } },
      { name: 'tiny-think', capabilities: ['completion', 'tools', 'thinking'] },
      { name: 'llava', capabilities: ['completion', 'vision'] },
      { name: 'nomic-embed-text', capabilities: ['embedding'], embeddingLength: 32 },
    ],
  });
});
afterAll(() => simulator.close());

const user = (content: string) => [{ role: 'user', content }];
const chat = async (body: object) =>
  JSON.parse((await post(simulator.url, '/api/chat', { model: 'llama2', stream: false, ...body })).body);

describe('dialogs', () => {
  it('counts as far as it is told', async () => {
    const answer = await chat({ messages: user('Please count from 1 to 2000') });
    expect(answer.message.content.split(', ')).toHaveLength(2000);
    expect(answer.eval_count).toBeGreaterThan(4000);
    const long = await post(simulator.url, '/api/chat', {
      model: 'llama2',
      messages: user('Count from 1 to 10000'),
    });
    const all = lines(long);
    expect(all.at(-1)).toMatchObject({ done: true, eval_count: all.length });
  });

  it('answers anything, the same each time', async () => {
    const ask = () => chat({ messages: user('Where do the ducks go in winter?') });
    const [one, two] = [await ask(), await ask()];
    expect(one.message.content).toContain('Where do the ducks go in winter?');
    expect(two.message).toEqual(one.message);
  });

  it("takes the names of Object's properties for any other words", async () => {
    for (const name of ['toString', 'constructor', '__proto__']) {
      expect((await chat({ messages: user(name) })).message.content).toContain(name);
      const format = { type: 'object', properties: { a: { type: 'string', format: name } } };
      expect(JSON.parse((await chat({ messages: user('a'), format })).message.content)).toEqual({ a: 'a' });
    }
  });

  it('fills a schema within bounds of its own', async () => {
    const properties = { a: { type: 'string', minLength: 1e15 }, b: { type: 'array', minItems: 1e15 } };
    const { message } = await chat({ messages: user('a'), format: { type: 'object', properties } });
    expect(JSON.parse(message.content).b).toHaveLength(100);
  });

  it('knows what it was told to know', async () => {
    expect((await chat({ messages: user('Who are you?') })).message.content).toBe('Nobody.');
  });

  it('calls the tool that the prompt names, with arguments of its schema', async () => {
    const tools = [
      { type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } },
      {
        type: 'function',
        function: {
          name: 'book_flight',
          parameters: {
            type: 'object',
            required: ['to', 'seats', 'class'],
            properties: {
              to: { type: 'string' },
              seats: { type: 'integer', maximum: 2 },
              class: { enum: ['economy', 'first'] },
            },
          },
        },
      },
    ];
    const { message } = await chat({ messages: user('Use book_flight to get 4 people to Lisbon'), tools });
    expect(message.tool_calls).toHaveLength(1);
    expect(message.tool_calls[0]).toMatchObject({
      id: expect.stringMatching(/^call_[a-z0-9]{8}$/),
      function: { index: 0, name: 'book_flight', arguments: { to: 'Lisbon', seats: 2, class: 'economy' } },
    });
    const plain = await chat({ messages: user('Hello!'), tools });
    expect(plain.message).toEqual({ role: 'assistant', content: 'Hi! How can I help you today?' });
  });

  it('fills a schema', async () => {
    const format = {
      type: 'object',
      $defs: {
        tag: {
          type: 'object',
          properties: { label: { type: 'string', minLength: 12 } },
          required: ['label'],
        },
      },
      properties: {
        id: { type: 'string', format: 'uuid' },
        score: { type: 'number', minimum: 10, maximum: 20 },
        tags: { type: 'array', minItems: 2, items: { $ref: '#/$defs/tag' } },
        kind: { anyOf: [{ const: 'a' }, { type: 'null' }] },
        open: { type: ['boolean', 'null'] },
      },
    };
    const { message } = await chat({ messages: user('Rate it'), format });
    expect(JSON.parse(message.content)).toEqual({
      id: '00000000-0000-4000-8000-000000000000',
      score: 10,
      tags: [{ label: 'label.......' }, { label: 'label.......' }],
      kind: 'a',
      open: true,
    });
    expect(JSON.parse((await chat({ messages: user('x'), format: 'json' })).message.content)).toHaveProperty(
      'answer',
    );
  });

  it('ends a schema that refers to itself', async () => {
    const node = { type: 'object', properties: { next: { $ref: '#' }, name: { type: 'string' } } };
    const { message } = await chat({ messages: user('Nest'), format: node });
    expect(JSON.parse(message.content)).toHaveProperty('next.next.name');
  });

  it('thinks where it can, unless told not to', async () => {
    const ask = (think?: boolean | string) =>
      chat({ model: 'tiny-think', messages: user('Why do cats purr?'), think });
    expect((await ask()).message.thinking).toContain('Why do cats purr?');
    expect((await ask('high')).message.thinking).toContain('Why do cats purr?');
    const { message } = await ask(false);
    expect(message.thinking).toBeUndefined();
    expect(message.content).not.toContain('<think>');
    expect((await ask('very')).error).toMatch(/^invalid think value: "very"/);
  });

  it('sees images where it can', async () => {
    const messages = [{ role: 'user', content: 'What is it?', images: ['aGVsbG8='] }];
    const seen = await chat({ model: 'llava', messages });
    expect(seen.message.content).toMatch(/^I see an image\./);
    expect(seen.prompt_eval_count).toBeGreaterThan(576);
    expect((await chat({ messages: [{ ...messages[0], images: ['!'] }] })).error).toBe(
      'illegal base64 data at input byte 0',
    );
  });

  it('forgets the oldest turns of a long conversation', async () => {
    const turns = Array.from({ length: 100 }, (_, index) => [
      { role: 'user', content: `This is turn number ${index} of a rather long conversation` },
      { role: 'assistant', content: 'Go on.' },
    ]).flat();
    const messages = [{ role: 'system', content: 'Be brief.' }, ...turns, ...user('Hello!')];
    const answer = await chat({ messages });
    expect(answer.message.content).toBe('Hi! How can I help you today?');
    expect(answer.prompt_eval_count).toBeLessThanOrEqual(512);
    expect(answer.prompt_eval_count).toBeGreaterThan(400);
    expect((await chat({ messages, truncate: false })).error).toBe(
      'the input length exceeds the context length',
    );
  });

  it('gives as many alternatives as are asked for', async () => {
    const { logprobs } = await chat({ messages: user('Hello!'), logprobs: true, top_logprobs: 5 });
    expect(logprobs).toHaveLength(9);
    expect(logprobs[3].top_logprobs).toHaveLength(5);
    expect((await chat({ messages: user('Hello!'), top_logprobs: 21 })).error).toBe(
      'top_logprobs must be between 0 and 20',
    );
  });
});

describe('errors', () => {
  it.each([
    ['{"model": tru}', "invalid character '}' in literal true (expecting 'e')"],
    ["{'model': 1}", "invalid character '\\'' looking for beginning of object key string"],
    ['{"model":"a" "b"}', "invalid character '\"' after object key:value pair"],
    ['{"model":"a\tb"}', "invalid character '\\t' in string literal"],
    ['{"model":7}', 'json: cannot unmarshal number into Go struct field ChatRequest.model of type string'],
    [
      '{"model":"llama2","messages":[{"role":"user","content":[{"type":"text"}]}]}',
      'json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string',
    ],
    ['{"model":"llama2","keep_alive":"soon"}', 'time: invalid duration "soon"'],
    ['{"messages":[]}', 'model is required'],
  ])('%s', async (body, error) => {
    const answer = await send(simulator.url, { method: 'POST', path: '/api/chat', body });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([400, { error }]);
  });

  it('takes the last of equal keys, without regard to case', async () => {
    const body =
      '{"model":"nope","MODEL":"llama2","messages":[{"role":"user","content":"Hello!"}],"stream":false}';
    const answer = await send(simulator.url, { method: 'POST', path: '/api/chat', body });
    expect(JSON.parse(answer.body)).toMatchObject({ model: 'llama2', done: true });
  });

  it.each([
    [{ stop: 'x' }, 'option "stop" must be of type array'],
    [{ stop: [1] }, 'option "stop" must be of an array of strings'],
    [{ num_ctx: '8k' }, 'option "num_ctx" must be of type integer'],
  ])('%o', async (options, error) => {
    expect(await chat({ messages: user('Hello!'), options })).toEqual({ error });
  });

  it('refuses tools, thoughts and text where a model has none', async () => {
    const tools = [{ type: 'function', function: { name: 'f' } }];
    const messages = user('Hello!');
    expect((await chat({ model: 'llava', messages, tools })).error).toBe(
      'registry.ollama.ai/library/llava:latest does not support tools',
    );
    expect((await chat({ model: 'llama2', messages, think: true })).error).toBe(
      '"llama2" does not support thinking',
    );
    const { body } = await post(simulator.url, '/api/generate', { model: 'llava', prompt: 'a', suffix: 'b' });
    expect(JSON.parse(body).error).toBe('registry.ollama.ai/library/llava:latest does not support insert');
  });

  it.each([
    [{ host: 'evil.example' }, 403],
    [{ host: 'localhost:1' }, 200],
    [{ host: 'box.local' }, 200],
    [{ host: '8.8.8.8' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'http://localhost:3000' }, 200],
  ])('answers %o with %i', async (headers, status) => {
    const answer = await send(simulator.url, { method: 'GET', path: '/api/version', headers });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body).toBe('');
  });
});

describe('framing', () => {
  it('sends one line per chunk, and no header that Go does not send', async () => {
    const answer = await post(simulator.url, '/api/chat', { model: 'llama2', messages: user('Hello!') });
    expect(Object.keys(answer.headers).sort()).toEqual(['content-type', 'date', 'transfer-encoding']);
    expect(answer.chunks.every((chunk) => chunk.endsWith('\n'))).toBe(true);
    expect(answer.chunks).toHaveLength(10);
  });

  it('remembers what it was asked', async () => {
    const body = { model: 'llama2', messages: user('Hello!') };
    await post(simulator.url, '/api/chat?x=1', body);
    const seen = simulator.requests.at(-1)!;
    expect(seen).toMatchObject({ method: 'POST', path: '/api/chat?x=1', body, state: 'done', generated: 10 });
    expect(seen.endedAt).toBeGreaterThanOrEqual(seen.startedAt);
  });

  it('closes with streams running', async () => {
    const other = await startSimulator({ pace: 50 });
    const body = { model: 'llama2', messages: user('Count from 1 to 1000') };
    const running = post(other.url, '/api/chat', body);
    while (!((other.requests[0]?.generated ?? 0) > 1)) await new Promise((resolve) => setTimeout(resolve, 5));
    await other.close();
    expect((await running).complete).toBe(false);
    expect(other.requests[0]!.state).toBe('failed');
    await expect(post(other.url, '/api/chat', body)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('embeddings', () => {
  it('are of length 1, and alike for like texts', async () => {
    const input = ['the cat sat on the mat', 'the cat sat on the chair', 'a treatise about taxes'];
    const { body } = await post(simulator.url, '/api/embed', { model: 'nomic-embed-text', input });
    const vectors: number[][] = JSON.parse(body).embeddings;
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, index) => sum + value * b[index]!, 0);
    for (const vector of vectors) expect(dot(vector, vector)).toBeCloseTo(1, 5);
    expect(vectors[0]).toHaveLength(32);
    expect(dot(vectors[0]!, vectors[1]!)).toBeGreaterThan(dot(vectors[0]!, vectors[2]!));

    const short = await post(simulator.url, '/api/embed', {
      model: 'nomic-embed-text',
      input: input[0],
      dimensions: 4,
    });
    const [cut] = JSON.parse(short.body).embeddings;
    expect(dot(cut, cut)).toBeCloseTo(1, 5);
    expect(cut[0] / cut[1]).toBeCloseTo(vectors[0]![0]! / vectors[0]![1]!, 4);
  });
});

describe("Ollama's own client", () => {
  const client = () => new Ollama({ host: simulator.url });

  it('chats, streams and calls tools', async () => {
    const parts: string[] = [];
    for await (const part of await client().chat({
      model: 'llama2',
      messages: user('Hello!'),
      stream: true,
    })) {
      parts.push(part.message.content);
    }
    expect(parts.join('')).toBe('Hi! How can I help you today?');
    expect(parts).toHaveLength(10);
    const whole = await client().generate({ model: 'llama2', prompt: 'Hello!' });
    expect(whole.response).toBe('Hi! How can I help you today?');
    await expect(client().chat({ model: 'nope', messages: user('Hello!') })).rejects.toThrow(
      "model 'nope' not found",
    );
  });

  it('manages models', async () => {
    const ollama = client();
    await ollama.copy({ source: 'llama2', destination: 'mine' });
    await ollama.create({ model: 'pirate', from: 'mine', system: 'You are a pirate.' });
    const said = await ollama.chat({ model: 'pirate', messages: user('Hello!') });
    expect(said.message.content).toBe('Ahoy, matey! What brings ye to my ship?');
    expect((await ollama.show({ model: 'pirate' })).system).toBe('You are a pirate.');
    await ollama.delete({ model: 'mine' });
    await ollama.delete({ model: 'pirate' });

    const progress = [];
    for await (const part of await ollama.pull({ model: 'phi3', stream: true })) progress.push(part.status);
    expect(progress.at(0)).toBe('pulling manifest');
    expect(progress.at(-1)).toBe('success');
    await expect(ollama.pull({ model: 'none' })).rejects.toThrow('file does not exist');
    expect((await ollama.list()).models.map(({ name }) => name).sort()).toEqual([
      'llama2:latest',
      'llava:latest',
      'nomic-embed-text:latest',
      'phi3:latest',
      'tiny-think:latest',
    ]);
    expect(simulator.models.remove('phi3')).toBe(true);
    expect(simulator.models.remove('phi3')).toBe(false);
  });

  it('pushes, and makes models of what can be pulled', async () => {
    const ollama = client();
    expect((await ollama.push({ model: 'llama2' })).status).toBe('success');
    await ollama.create({ model: 'made', from: 'phi3', parameters: { num_predict: 3 } });
    const said = await ollama.chat({ model: 'made', messages: user('Hello!') });
    expect([said.message.content, said.done_reason]).toEqual(['Hi! How', 'length']);
    await expect(ollama.create({ model: 'made', from: 'none' })).rejects.toThrow('file does not exist');
    for (const name of ['made', 'phi3']) await ollama.delete({ model: name });
  });

  it('goes on from the context of a former answer', async () => {
    const first = await client().generate({ model: 'llama2', prompt: 'Hello!' });
    const second = await client().generate({
      model: 'llama2',
      prompt: 'Tell me more',
      context: first.context,
    });
    expect(second.prompt_eval_count).toBe(first.context.length + 11);
    expect(second.context.length).toBeGreaterThan(first.context.length + 11);
  });

  it('sees what is loaded', async () => {
    const ollama = client();
    await ollama.generate({ model: 'llava', prompt: '', keep_alive: -1 });
    const { models } = await ollama.ps();
    expect(models[0]?.name).toBe('llava:latest');
    expect(new Date(models[0]!.expires_at).getFullYear()).toBeGreaterThan(2200);
    await ollama.generate({ model: 'llava', prompt: '', keep_alive: 0 });
    expect((await ollama.ps()).models.map(({ name }) => name)).not.toContain('llava:latest');
  });

  it('aborts', async () => {
    simulator.pace = 5;
    const stream = await client().chat({
      model: 'llama2',
      messages: user('Count from 1 to 1000'),
      stream: true,
    });
    const read = async () => {
      for await (const part of stream) if (part.message.content.endsWith('5')) stream.abort();
    };
    await expect(read()).rejects.toThrow(/abort/i);
    while (simulator.requests.at(-1)!.state === 'running')
      await new Promise((resolve) => setTimeout(resolve, 5));
    simulator.pace = 0;
    expect(simulator.requests.at(-1)!.state).toBe('aborted');
    expect(simulator.requests.at(-1)!.generated).toBeLessThan(100);
  });
});

describe('blobs', () => {
  it('are checked against their digest', async () => {
    const digest = 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    const path = `/api/blobs/${digest}`;
    const upload = (body: string) => send(simulator.url, { method: 'POST', path, body });
    expect((await send(simulator.url, { method: 'HEAD', path })).status).toBe(404);
    expect((await upload('hullo')).body).toMatch(/^\{"error":"digest mismatch, expected/);
    expect((await upload('hello')).status).toBe(201);
    expect((await upload('hello')).status).toBe(200);
    expect((await send(simulator.url, { method: 'HEAD', path })).status).toBe(200);
  });
});
