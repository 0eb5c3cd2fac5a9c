/** A model that an abort has locked inside Ollama is unloaded, and those who waited for it get their answers. */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createUpstream } from '../../src/core/upstream/client.js';
import { createHealing, type Heal, type ModelActivity } from '../../src/core/upstream/healing.js';
import { type Simulator, startSimulator } from '../../src/testing/index.js';
import { type Rig, send, startRig, until } from '../support/gateway.js';

/** Patience is a second; every wait for it has this long. */
const LONG = 20_000;
const COUNT = { model: 'llama2', messages: [{ role: 'user', content: 'Count from 1 to 60' }] };
const HELLO = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] };
const SAID = 'Hi! How can I help you today?';

async function start(ollama: { port?: number; stall_timeout?: number; first_byte_timeout?: number } = {}) {
  const config = { api_gateways: { ollama: { host: 'http://127.0.0.1', stall_timeout: 1, ...ollama } } };
  const rig = await startRig({ config });
  onTestFinished(() => rig.close());
  return rig;
}

/** A request past the gateway, that can be left. */
function ask(simulator: Simulator, body: object): { leave(): void } {
  const req = httpRequest(new URL('/api/chat', simulator.url), { method: 'POST', agent: false });
  req.on('error', () => {});
  req.end(JSON.stringify(body));
  return { leave: () => req.destroy() };
}

/** A client reads some tokens through the gateway, and leaves. */
async function abort(rig: Rig, key: string, simulator = rig.simulator): Promise<void> {
  const { pace } = simulator;
  simulator.pace = 5;
  const from = simulator.requests.length;
  const request = httpRequest(new URL('/ollama/api/chat', rig.url), { method: 'POST', agent: false });
  request.setHeader('authorization', `Bearer ${key}`);
  request.on('error', () => {});
  request.end(JSON.stringify(COUNT));
  await once(request, 'response');
  request.destroy();
  await until(() => simulator.requests[from]?.state === 'aborted');
  simulator.pace = pace;
}

const chats = (simulator: Simulator, state: string) =>
  simulator.requests.filter((request) => request.path === '/api/chat' && request.state === state);
const heals = ({ log }: Rig) => log.filter((line) => line.log === 'gateway' && line.outcome !== undefined);
const unloads = (simulator: Simulator) =>
  simulator.requests.filter(({ body }) => (body as { keep_alive?: unknown } | undefined)?.keep_alive === 0);

async function held(rig: Rig, id: string): Promise<number[]> {
  const hour = new Date().toISOString().slice(0, 13);
  const keys = ['ollama', 'openai'].flatMap((gateway) => [
    `${gateway}:tokens:hour:${hour}`,
    `${gateway}:requests:hour:${hour}`,
  ]);
  return (await rig.store.counters(id, keys)).map((counter) => counter?.held ?? 0);
}

describe.concurrent('healing', () => {
  test('all who wait for a locked model are answered, and charged once', async () => {
    const rig = await start();
    const { key, id } = await rig.user();
    rig.simulator.fail({ kind: 'lock' });
    await abort(rig, key);

    const paths = ['/openai/v1/chat/completions', '/ollama/api/chat', '/ollama/v1/chat'];
    const asked = paths.flatMap((path) =>
      [true, false].map((stream) => send(rig.url, path, { key, body: { ...HELLO, stream } })),
    );
    await until(() => chats(rig.simulator, 'running').length === 6);
    const status = async () => {
      const { gateways } = (await send(rig.url, '/status')).json as {
        gateways: { openai: { status: string } };
      };
      return gateways.openai.status;
    };
    expect(await status()).toBe('operational');

    for (const { status, text } of await Promise.all(asked)) {
      expect(status).toBe(200);
      const words = [...text.matchAll(/"content":"([^"]*)"/g)].map(([, word]) => word);
      expect(words.join('') || (JSON.parse(text) as { response: string }).response).toBe(SAID);
    }
    expect(heals(rig)).toMatchObject([{ level: 'warn', model: 'llama2', outcome: 'unloaded', requests: 6 }]);
    expect(await status()).toBe('operational');
    expect((await send(rig.url, '/metrics')).text).toContain(
      'parallama_upstream_heals_total{model="llama2",outcome="unloaded"} 1',
    );

    const usage = rig.log.filter((line) => line.log === 'usage' && line.state === 'final');
    expect(usage).toHaveLength(6);
    const rows = await rig.history(id);
    expect(rows.reduce((sum, row) => sum + row.requests, 0)).toBe(7);
    expect(await held(rig, id)).toEqual([0, 0, 0, 0]);
  });

  test('who locked it need not be known', { timeout: LONG }, async () => {
    const rig = await start();
    const { key } = await rig.user();
    rig.simulator.fail({ kind: 'lock' });
    rig.simulator.pace = 5;
    const other = ask(rig.simulator, COUNT);
    await until(() => (rig.simulator.requests[0]?.generated ?? 0) > 0);
    other.leave();
    await until(() => rig.simulator.requests[0]?.state === 'aborted');

    const answer = await send(rig.url, '/ollama/api/chat', { key, body: { ...HELLO, stream: false } });
    expect(answer.json).toMatchObject({ message: { content: SAID } });
    expect(heals(rig)).toHaveLength(1);
  });

  test('impatient clients hide no lock', { timeout: LONG }, async () => {
    const rig = await start();
    const { key } = await rig.user();
    rig.simulator.fail({ kind: 'lock' });
    await abort(rig, key);
    async function impatient(): Promise<boolean> {
      try {
        const response = await fetch(new URL('/ollama/api/chat', rig.url), {
          method: 'POST',
          headers: { authorization: `Bearer ${key}` },
          body: JSON.stringify(HELLO),
          signal: AbortSignal.timeout(900),
        });
        return (await response.text()).includes('"done":true');
      } catch {
        return false;
      }
    }
    let answered = false;
    for (let tries = 0; tries < 10 && !answered; tries += 1) answered = await impatient();
    expect(answered).toBe(true);
  });

  test('a client that leaves meanwhile is not waited for, nor sent again', { timeout: LONG }, async () => {
    const rig = await start();
    const { key, id } = await rig.user();
    rig.simulator.fail({ kind: 'lock' });
    await abort(rig, key);
    // Keeps the model loaded.
    const outside = ask(rig.simulator, HELLO);
    const leaving = new AbortController();
    const left = fetch(new URL('/ollama/api/chat', rig.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify(COUNT),
      signal: leaving.signal,
    });
    left.catch(() => {});
    const stays = send(rig.url, '/ollama/api/chat', { key, body: { ...HELLO, stream: false } });
    await until(() => chats(rig.simulator, 'aborted').length === 3, LONG);
    expect(((await send(rig.url, '/status')).json as { gateways: object }).gateways).toMatchObject({
      ollama: { status: 'degraded' },
    });
    leaving.abort();
    const record = await until(() =>
      rig.log.find(
        (line) => line.log === 'usage' && line.state === 'aborted' && line.completion_tokens === 0,
      ),
    );
    expect(record).toBeDefined();
    expect(chats(rig.simulator, 'running')).toHaveLength(1);

    outside.leave();
    expect((await stays).json).toMatchObject({ message: { content: SAID } });
    // The abort, the two taken back, the one outside; and the one that was sent again.
    expect(chats(rig.simulator, 'aborted')).toHaveLength(4);
    expect(chats(rig.simulator, 'done')).toHaveLength(1);
    expect(await held(rig, id)).toEqual([0, 0, 0, 0]);
  });

  test('a model that cannot be unloaded: 503, and nothing is charged', { timeout: LONG }, async () => {
    // A lock that only a restart would heal.
    const ollama = createServer((req, res) => {
      const answer = (status: number, value: object) => {
        res.writeHead(status, { 'content-type': 'application/json' });
        res.end(JSON.stringify(value));
      };
      const parts: Buffer[] = [];
      req.on('data', (part) => parts.push(part));
      req.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if (req.url === '/api/ps') {
          answer(200, { models: [{ name: 'llama2', expires_at: '2999-01-01T00:00:00Z' }] });
        } else if (text.includes('"keep_alive":0')) answer(500, { error: 'no' });
        else if (req.url === '/api/generate') answer(200, { done: true, done_reason: 'load' });
      });
    });
    await new Promise<void>((resolve) => ollama.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      ollama.closeAllConnections();
      ollama.close();
    });
    const rig = await start({ port: (ollama.address() as AddressInfo).port });
    const { key, id } = await rig.user();
    const answers = await Promise.all(
      [true, false].map((stream) =>
        send(rig.url, '/openai/v1/chat/completions', { key, body: { ...HELLO, stream } }),
      ),
    );
    for (const { status, headers, json } of answers) {
      expect(status).toBe(503);
      expect(headers['retry-after']).toBe('1');
      expect(json).toMatchObject({ error: { code: 'server_is_overloaded' } });
    }
    expect(heals(rig)).toMatchObject([{ outcome: 'failed', requests: 2 }]);
    expect(await held(rig, id)).toEqual([0, 0, 0, 0]);
    expect((await rig.history(id)).map(({ promptTokens, requests }) => [promptTokens, requests])).toEqual([
      [0, 0],
    ]);
  });

  test('two gateways on one Ollama both let go of it', { timeout: LONG }, async () => {
    const first = await start();
    const second = await start({ port: first.simulator.port });
    const [one, two] = [await first.user(), await second.user()];
    first.simulator.fail({ kind: 'lock' });
    await abort(first, one.key);
    const answers = await Promise.all([
      send(first.url, '/ollama/api/chat', { key: one.key, body: { ...HELLO, stream: false } }),
      send(second.url, '/ollama/api/chat', { key: two.key, body: { ...HELLO, stream: false } }),
    ]);
    for (const { json } of answers) expect(json).toMatchObject({ message: { content: SAID } });
    expect(heals(first)).toMatchObject([{ outcome: 'unloaded' }]);
    expect(heals(second)).toMatchObject([{ outcome: 'unloaded' }]);
  });
});

describe.concurrent('left alone', () => {
  /** A gateway whose client has aborted an answer, and locked nothing. */
  async function provoked(): Promise<{ rig: Rig; key: string }> {
    const rig = await start();
    const { key } = await rig.user('admin');
    await abort(rig, key);
    return { rig, key };
  }

  async function expectPatience(rig: Rig, key: string, body: object = HELLO): Promise<void> {
    const { status } = await send(rig.url, '/ollama/api/chat', { key, body });
    expect(status).toBe(200);
    expect(unloads(rig.simulator)).toEqual([]);
    expect(chats(rig.simulator, 'aborted')).toHaveLength(1);
  }

  test('a model that is being loaded', async () => {
    const { rig, key } = await provoked();
    rig.simulator.models.remove('llama2');
    rig.simulator.models.add({ name: 'llama2' });
    rig.simulator.fail({ kind: 'slow-load', ms: 2_500, times: 1 });
    await expectPatience(rig, key);
  });

  test('a model that is listed while it is being loaded', async () => {
    const { rig, key } = await provoked();
    rig.simulator.firstToken = 2_500;
    // As Ollama does while it loads, it keeps the question waiting.
    rig.simulator.fail({ kind: 'silent', path: '/api/generate' });
    await expectPatience(rig, key);
  });

  test('a long prompt', async () => {
    const { rig, key } = await provoked();
    rig.simulator.firstToken = 2_500;
    const content = 'word '.repeat(2_500);
    await expectPatience(rig, key, { ...HELLO, messages: [{ role: 'user', content }] });
  });

  test('a queue behind an answer', async () => {
    const { rig, key } = await provoked();
    rig.simulator.pace = 20;
    const from = rig.simulator.requests.length;
    const running = send(rig.url, '/ollama/api/chat', { key, body: COUNT });
    await until(() => (rig.simulator.requests[from]?.generated ?? 0) > 0);
    rig.simulator.firstToken = 2_500;
    await expectPatience(rig, key);
    await running;
  });

  test('a queue behind an answer of another process', async () => {
    const simulator = await startSimulator({ firstToken: 2_500 });
    const { healing, heals } = healed(simulator, [{ llama2: { idle: 0, aborted: 60_000 } }]);
    expect((await healing()).status).toBe(200);
    expect(heals).toEqual([]);
  });

  test('but not one that another process has aborted', { timeout: LONG }, async () => {
    const simulator = await startSimulator({ firstToken: 2_500 });
    const { healing, heals } = healed(simulator, [{ llama2: { idle: 60_000, aborted: 60_000 } }]);
    expect((await healing()).status).toBe(200);
    // Once: as that did not make it answer, it was not locked.
    expect(heals).toMatchObject([{ outcome: 'unloaded', requests: 1 }]);
  });

  test('a locked model, where healing is switched off', async () => {
    const rig = await start({ stall_timeout: 0, first_byte_timeout: 3 });
    const { key } = await rig.user();
    rig.simulator.fail({ kind: 'lock' });
    await abort(rig, key);
    expect((await send(rig.url, '/ollama/api/chat', { key, body: HELLO })).status).toBe(504);
    expect(unloads(rig.simulator)).toEqual([]);
  });
});

/** One request for the simulator's model, by a healing upstream of its own. */
function healed(simulator: Simulator, others: Record<string, ModelActivity>[]) {
  const heals: Heal[] = [];
  const upstream = createHealing({
    upstream: createUpstream({ origin: simulator.url, connectTimeout: 5, firstByteTimeout: 60 }),
    stallTimeout: 1,
    elsewhere: async () => others,
    onHeal: (heal) => heals.push(heal),
  });
  onTestFinished(async () => {
    await upstream.close();
    await simulator.close();
  });
  const body = JSON.stringify(HELLO);
  const headers = { 'content-type': 'application/json' };
  return {
    heals,
    healing: () => upstream.send({ method: 'POST', path: '/api/chat', model: 'llama2', headers, body }),
  };
}
