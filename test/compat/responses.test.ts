/** The Responses API through the gateway, with the real `openai` client over sockets. */
import OpenAI, { type APIError, NotFoundError } from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Rig, send, startRig } from '../support/gateway.js';
import { simulated } from '../support/upstream.js';

let rig: Rig;
let client: OpenAI;
let key: string;
let disarm: (() => void) | undefined;

beforeAll(async () => {
  rig = await startRig();
  rig.simulator.models.add({ name: 'thinker', capabilities: ['completion', 'tools', 'thinking'] });
  ({ key } = await rig.user('admin'));
  client = new OpenAI({ apiKey: key, baseURL: `${rig.url}/openai/v1`, maxRetries: 0 });
});
afterEach(() => {
  disarm?.();
  rig.simulator.pace = 0;
});
afterAll(() => rig.close());

type Item = OpenAI.Responses.ResponseInputItem;

const model = 'gpt-4';
const weather = {
  type: 'function' as const,
  name: 'get_weather',
  description: 'Weather of a city',
  strict: false,
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const upstream = () => rig.simulator.requests.at(-1)?.body as Record<string, unknown>;

describe('a response', () => {
  simulated('is created', async () => {
    const response = await client.responses.create({ model, input: 'Hello!' });
    expect(response).toMatchObject({ object: 'response', status: 'completed', model, store: false });
    expect(response.output_text).toBe('Hi! How can I help you today?');
    expect(response.usage?.total_tokens).toBe(response.usage!.input_tokens + response.usage!.output_tokens);
    expect(response._request_id).toMatch(/^req_/);
    expect(upstream()).toMatchObject({ model: 'llama2:70b', truncate: false });
  });

  simulated('takes instructions, a list of items and a developer', async () => {
    const response = await client.responses.create({
      model,
      instructions: 'You are a pirate.',
      input: [
        { role: 'developer', content: 'Be short.' },
        { role: 'user', content: [{ type: 'input_text', text: 'Hello!' }] },
      ],
    });
    expect(upstream().messages).toEqual([
      { role: 'system', content: 'You are a pirate.' },
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'Hello!' },
    ]);
    expect(response.instructions).toBe('You are a pirate.');
  });

  it('is streamed', async () => {
    const stream = client.responses.stream({ model, input: 'Hello!' });
    let text = '';
    stream.on('response.output_text.delta', ({ delta }) => {
      text += delta;
    });
    const response = await stream.finalResponse();
    expect(response.status).toBe('completed');
    expect(text).toBe('Hi! How can I help you today?');
    expect(response.output_text).toBe(text);
  });

  simulated('is streamed with reasoning, which the helper keeps', async () => {
    const input = 'What is 6 times 7? Think first';
    const response = await client.responses.stream({ model: 'thinker', input }).finalResponse();
    expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    expect(response.output[0]).toMatchObject({ summary: [{ text: expect.stringContaining('together 42') }] });
    expect(response.output_text).toBe('The answer is 42.');

    const again = await client.responses.create({
      model: 'thinker',
      input: [
        { role: 'user', content: input },
        ...(response.output as Item[]),
        { role: 'user', content: 'Hello!' },
      ],
    });
    expect(again.status).toBe('completed');
    expect((upstream().messages as object[])[1]).toMatchObject({
      role: 'assistant',
      content: 'The answer is 42.',
      thinking: expect.stringContaining('together 42'),
    });
  });

  it.each([
    ['What is the weather in Paris and Rome?', ['function_call', 'function_call']],
    ['Check the weather in Oslo', ['message', 'function_call']],
  ])('is streamed with calls that have places of their own: %s', async (input, types) => {
    const response = await client.responses.stream({ model, input, tools: [weather] }).finalResponse();
    expect(response.output.map(({ type }) => type)).toEqual(types);
    const calls = response.output.filter((item) => item.type === 'function_call');
    for (const call of calls) expect(JSON.parse(call.arguments)).toHaveProperty('city');
    expect(new Set(calls.map(({ call_id }) => call_id)).size).toBe(calls.length);
  });

  simulated.each([false, true])('goes round by way of a tool, streamed: %s', async (streamed) => {
    const input: Item[] = [{ role: 'user', content: 'What is the weather in Paris?' }];
    const ask = () => {
      const params = { model, input, tools: [weather] };
      return streamed ? client.responses.stream(params).finalResponse() : client.responses.create(params);
    };
    const first = await ask();
    const output: OpenAI.Responses.ResponseOutputItem[] = first.output;
    const [call] = output.filter((item) => item.type === 'function_call');
    expect(call).toMatchObject({ name: 'get_weather', arguments: '{"city":"Paris"}' });
    input.push(...(output as Item[]), {
      type: 'function_call_output',
      call_id: call!.call_id,
      output: '18 C and sunny',
    });
    const second = await ask();
    expect(second.output_text).toBe('It is 18 C and sunny in Paris.');
    expect(upstream().messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: '', tool_calls: [{ function: { arguments: { city: 'Paris' } } }] },
      { role: 'tool', tool_name: 'get_weather', content: '18 C and sunny' },
    ]);
  });

  simulated.each([false, true])('is parsed, streamed: %s', async (streamed) => {
    const format = zodTextFormat(z.object({ city: z.string(), population: z.int() }), 'city');
    const params = { model, input: 'Give me JSON about Paris', text: { format } };
    const response = streamed
      ? await client.responses.stream(params).finalResponse()
      : await client.responses.parse(params);
    expect(response.output_parsed).toMatchObject({
      city: expect.any(String),
      population: expect.any(Number),
    });
    expect(upstream().format).toMatchObject({ type: 'object', required: ['city', 'population'] });
  });

  it.each([false, true])('is incomplete where it was cut, streamed: %s', async (streamed) => {
    const params = { model, input: 'Write a poem about AI', max_output_tokens: 7 };
    const response = streamed
      ? await client.responses.stream(params).finalResponse()
      : await client.responses.create(params);
    expect(response.status).toBe('incomplete');
    expect(response.incomplete_details).toEqual({ reason: 'max_output_tokens' });
    expect(response.usage?.output_tokens).toBe(7);
  });

  simulated('takes an image', async () => {
    const content = [
      { type: 'input_text' as const, text: 'What is this?' },
      { type: 'input_image' as const, detail: 'auto' as const, image_url: 'data:image/png;base64,AAAA' },
    ];
    await client.responses.create({ model, input: [{ role: 'user', content }] });
    expect(upstream().messages).toMatchObject([{ content: 'What is this?', images: ['AAAA'] }]);
  });
});

describe('a response that fails', () => {
  simulated('mid-stream ends with one `response.failed`, after the text so far', async () => {
    rig.simulator.pace = 1;
    disarm = rig.simulator.fail({ kind: 'error-line', afterTokens: 20, error: 'boom' });
    const types: string[] = [];
    const stream = await client.responses.create({ model, input: 'Count from 1 to 60', stream: true });
    let last: OpenAI.Responses.ResponseStreamEvent | undefined;
    for await (const event of stream) {
      types.push(event.type);
      last = event;
    }
    expect(last).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'server_error', message: expect.any(String) } },
    });
    expect(types.filter((type) => type === 'response.output_text.delta').length).toBeGreaterThan(10);
    expect(types.filter((type) => /(completed|incomplete|failed)$/.test(type))).toHaveLength(1);
  });

  simulated('mid-stream is a failed response to the helper', async () => {
    rig.simulator.pace = 1;
    disarm = rig.simulator.fail({ kind: 'reset', afterTokens: 20 });
    const stream = client.responses.stream({ model, input: 'Count from 1 to 60' });
    expect((await stream.finalResponse()).status).toBe('failed');
  });

  simulated('before its first byte is a status', async () => {
    disarm = rig.simulator.fail({ kind: 'status', status: 500, error: 'boom' });
    const creating = client.responses.create({ model, input: 'Hello!', stream: true });
    await expect(creating).rejects.toMatchObject({ status: 502, code: 'upstream_error' });
  });

  it.each<[object, string]>([
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ background: true }, 'background'],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0].type'],
    [{ input: [{ type: 'computer_call_output', call_id: 'x' }] }, 'input[0].type'],
  ])('for want of a memory names the field: %j', async (body, param) => {
    const creating = client.responses.create({ model, input: 'Hello!', ...body });
    await expect(creating).rejects.toMatchObject({ status: 400, param });
  });

  simulated('is 400 for a prompt that is too long, unless it may be cut', async () => {
    rig.simulator.models.add({ name: 'narrow', contextLength: 64 });
    const long = { model: 'narrow', input: 'word '.repeat(500) };
    await expect(client.responses.create(long)).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    });
    expect((await client.responses.create({ ...long, truncation: 'auto' })).status).toBe('completed');
  });

  it.each(['GET', 'DELETE'])('%s of a response that was not kept is 404', async (method) => {
    const asking = method === 'GET' ? client.responses.retrieve('resp_1') : client.responses.delete('resp_1');
    const error = await asking.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NotFoundError);
    expect((error as APIError).type).toBe('invalid_request_error');
    for (const path of ['resp_1/cancel', 'compact']) {
      const reply = await send(rig.url, `/openai/v1/responses/${path}`, { key, body: {} });
      expect(reply.status).toBe(404);
      expect(reply.json).toMatchObject({ error: { type: 'invalid_request_error' } });
    }
  });
});

it('is metered and limited like everything else', async () => {
  const user = await rig.user();
  await rig.gateway.limits.set(user.id, 'openai', { request_limit_hourly: 1 });
  const own = new OpenAI({ apiKey: user.key, baseURL: `${rig.url}/openai/v1`, maxRetries: 0 });
  const { usage } = await own.responses.create({ model, input: 'Hello!' });
  const [row] = await rig.history(user.id);
  expect(row).toMatchObject({
    gateway: 'openai',
    model,
    requests: 1,
    promptTokens: usage!.input_tokens,
    completionTokens: usage!.output_tokens,
  });
  const refused = own.responses.create({ model, input: 'Hello!' });
  await expect(refused).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
});
