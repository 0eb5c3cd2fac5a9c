import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SimulatedRequest, type Simulator, startSimulator } from '../../src/testing/index.js';
import { lines, post, send } from './http.js';

const COUNT = { model: 'llama2', messages: [{ role: 'user', content: 'Count from 1 to 1000' }] };
const HELLO = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] };

let simulator: Simulator;
beforeEach(async () => {
  simulator = await startSimulator();
});
afterEach(() => simulator.close());

async function eventually(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come true in five seconds');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A request whose answer is not waited for. */
function open(path: string, body: unknown): ClientRequest {
  const request = httpRequest(`${simulator.url}${path}`, { method: 'POST', agent: false });
  request.on('error', () => undefined);
  request.end(JSON.stringify(body));
  return request;
}

async function openStream(body: unknown): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  const request = open('/api/chat', body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  await once(response, 'data');
  response.resume();
  return { request, response };
}

const last = (): SimulatedRequest => simulator.requests.at(-1)!;

describe('faults', () => {
  it('refuses the connection until it is taken back', async () => {
    const takeBack = simulator.fail({ kind: 'refuse' });
    await expect(post(simulator.url, '/api/chat', HELLO)).rejects.toThrow(/ECONNRESET|hang up/);
    await expect(post(simulator.url, '/api/chat', HELLO)).rejects.toThrow();
    expect((await send(simulator.url, { method: 'GET', path: '/api/version' })).status).toBe(200);
    expect(last().state).toBe('done');
    expect(simulator.requests[0]!.state).toBe('failed');
    takeBack();
    expect((await post(simulator.url, '/api/chat', HELLO)).status).toBe(200);
  });

  it('strikes as often as it is told, on the path and model it is told', async () => {
    simulator.fail({ kind: 'status', status: 500, times: 1, path: '/api/tags' });
    simulator.fail({ kind: 'status', status: 500, error: 'boom', model: 'llama2:latest' });
    expect((await send(simulator.url, { method: 'GET', path: '/api/tags' })).status).toBe(500);
    expect((await send(simulator.url, { method: 'GET', path: '/api/tags' })).status).toBe(200);
    expect((await post(simulator.url, '/api/chat', { ...HELLO, model: 'tiny' })).status).toBe(200);
    const answer = await post(simulator.url, '/api/chat', HELLO);
    expect([answer.status, answer.body]).toEqual([500, '{"error":"boom"}']);
  });

  it.each([
    [
      { kind: 'queue-full' },
      503,
      'application/json; charset=utf-8',
      /^\{"error":"server busy, please try again. {2}m/,
    ],
    [
      { kind: 'status', status: 503 },
      503,
      'application/json; charset=utf-8',
      /maximum pending requests exceeded"\}$/,
    ],
    [{ kind: 'status', status: 404 }, 404, 'text/plain', /^404 page not found$/],
    [{ kind: 'status', status: 403 }, 403, undefined, /^$/],
    [{ kind: 'status', status: 502, contentType: 'text/html', error: '<h1>' }, 502, 'text/html', /^<h1>$/],
    [{ kind: 'status' }, 500, 'application/json; charset=utf-8', /^\{"error":"llama runner process/],
  ] as const)('answers %o', async (fault, status, type, body) => {
    simulator.fail(fault);
    const answer = await post(simulator.url, '/api/generate', { model: 'tiny', prompt: 'Hello!' });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe(type);
    expect(answer.body).toMatch(body);
  });

  it('ends a stream with an error line, or answers 500 without streaming', async () => {
    simulator.fail({ kind: 'error-line', afterTokens: 5, error: 'model runner has stopped' });
    const streamed = await post(simulator.url, '/api/chat', COUNT);
    const all = lines(streamed);
    expect(streamed.status).toBe(200);
    expect(streamed.complete).toBe(true);
    expect(all).toHaveLength(6);
    expect(all.at(-1)).toEqual({ error: 'model runner has stopped' });
    const whole = await post(simulator.url, '/api/chat', { ...COUNT, stream: false });
    expect([whole.status, whole.body]).toEqual([500, '{"error":"model runner has stopped"}']);
    expect(last().generated).toBe(5);
  });

  it('gives an error before the first token a status', async () => {
    simulator.fail({ kind: 'error-line', afterTokens: 0 });
    const answer = await post(simulator.url, '/api/chat', COUNT);
    expect(answer.status).toBe(500);
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it('ends without done', async () => {
    simulator.fail({ kind: 'eof', afterTokens: 2 });
    const streamed = await post(simulator.url, '/api/chat', COUNT);
    expect(streamed.complete).toBe(true);
    expect(lines(streamed).map(({ done }) => done)).toEqual([false, false]);
    const whole = await post(simulator.url, '/api/chat', { ...COUNT, stream: false });
    expect(JSON.parse(whole.body)).toMatchObject({ done: false, message: { content: '1,' } });
  });

  it('resets the connection mid-stream', async () => {
    simulator.fail({ kind: 'reset', afterTokens: 4 });
    const answer = await post(simulator.url, '/api/chat', COUNT);
    expect(answer.status).toBe(200);
    expect(answer.complete).toBe(false);
    expect(last()).toMatchObject({ state: 'failed', generated: 4 });
  });

  it('puts garbage into a stream and goes on', async () => {
    simulator.fail({ kind: 'garbage', afterTokens: 2, times: 1 });
    const all = (await post(simulator.url, '/api/chat', HELLO)).body.trim().split('\n');
    expect(all).toHaveLength(11);
    expect(() => JSON.parse(all[2]!)).toThrow();
    expect(JSON.parse(all.at(-1)!)).toMatchObject({ done: true, eval_count: 10 });
  });

  it('is silent until the client leaves', async () => {
    simulator.fail({ kind: 'silent' });
    const request = open('/api/chat', HELLO);
    await eventually(() => last()?.body !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(last().state).toBe('running');
    request.destroy();
    await eventually(() => last().state === 'aborted');
  });

  it('answers late, as while a model is loaded', async () => {
    simulator.fail({ kind: 'slow-load', ms: 80 });
    const start = performance.now();
    const answer = await post(simulator.url, '/api/chat', HELLO);
    expect(performance.now() - start).toBeGreaterThanOrEqual(75);
    expect(answer.status).toBe(200);
  });
});

describe('a client that leaves', () => {
  it.each([true, false])('stops the generation at once (stream: %s)', async (stream) => {
    simulator.pace = 5;
    const request = open('/api/chat', { ...COUNT, stream });
    await eventually(() => last()?.generated > 3);
    const left = Date.now();
    request.destroy();
    await eventually(() => last().state === 'aborted');
    const { generated, abortedAt } = last();
    expect(abortedAt! - left).toBeLessThan(100);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(last().generated).toBeLessThanOrEqual(generated + 1);
  });

  it('is seen while the prompt is evaluated', async () => {
    simulator.firstToken = 10_000;
    const request = open('/api/chat', HELLO);
    await eventually(() => last()?.body !== undefined);
    request.destroy();
    await eventually(() => last().state === 'aborted');
    expect(last().generated).toBe(0);
  });

  it('does not stop what others asked for', async () => {
    simulator.pace = 2;
    const { request } = await openStream(COUNT);
    const other = post(simulator.url, '/api/chat', HELLO);
    request.destroy();
    expect(lines(await other).at(-1)).toMatchObject({ done: true, eval_count: 10 });
  });
});

describe('the lock', () => {
  const unload = () => post(simulator.url, '/api/generate', { model: 'llama2', keep_alive: 0 });

  async function lock(): Promise<void> {
    simulator.fail({ kind: 'lock' });
    simulator.pace = 5;
    const { request } = await openStream(COUNT);
    request.destroy();
    await eventually(() => last().state === 'aborted');
  }

  it('leaves requests for the model without an answer, and others alone', async () => {
    await lock();
    const request = open('/api/chat', HELLO);
    const other = await post(simulator.url, '/api/chat', { ...HELLO, model: 'tiny' });
    expect(lines(other).at(-1)).toMatchObject({ done: true });
    const ps = JSON.parse((await send(simulator.url, { method: 'GET', path: '/api/ps' })).body);
    expect(ps.models.map(({ name }: { name: string }) => name)).toContain('llama2:latest');
    expect(simulator.requests.find(({ state }) => state === 'running')?.path).toBe('/api/chat');
    request.destroy();
  });

  it('is healed by unloading, as soon as no request waits', async () => {
    await lock();
    const loaded = async () => {
      const { models } = JSON.parse((await send(simulator.url, { method: 'GET', path: '/api/ps' })).body);
      return models.find(({ name }: { name: string }) => name === 'llama2:latest');
    };
    const waiting = open('/api/chat', HELLO);
    await eventually(() => last().state === 'running' && last().body !== undefined);
    expect(Date.parse((await loaded()).expires_at)).toBeGreaterThan(Date.now());
    expect(JSON.parse((await unload()).body)).toMatchObject({ done: true, done_reason: 'unload' });
    expect(simulator.requests.filter(({ state }) => state === 'running')).toHaveLength(1);
    expect(Date.parse((await loaded()).expires_at)).toBeLessThanOrEqual(Date.now());

    waiting.destroy();
    await eventually(() => !simulator.requests.some(({ state }) => state === 'running'));
    expect(await loaded()).toBeUndefined();
    const healed = await post(simulator.url, '/api/chat', HELLO);
    expect(lines(healed).at(-1)).toMatchObject({ done: true });
  });

  it('comes once', async () => {
    await lock();
    await unload();
    const { request } = await openStream(COUNT);
    request.destroy();
    await eventually(() => last().state === 'aborted');
    expect((await post(simulator.url, '/api/chat', HELLO)).status).toBe(200);
  });
});

describe('pace', () => {
  it('is kept between tokens and before the first', async () => {
    simulator.pace = 10;
    simulator.firstToken = 50;
    const start = performance.now();
    await post(simulator.url, '/api/chat', HELLO);
    const took = performance.now() - start;
    expect(took).toBeGreaterThanOrEqual(140);
    expect(took).toBeLessThan(1000);
  });
});
