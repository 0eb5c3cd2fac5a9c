/** One request in every dialect, and what a well-formed answer to it is: a whole one, or one that says it failed. */
import { expect } from 'vitest';
import { verifyUsage } from '../../src/core/usage/verify.js';
import type { Reply, Rig } from '../support/gateway.js';

export interface Ask {
  path: string;
  /** Absent for what is only read. */
  body?: { stream?: boolean };
  /** Events for `data:` lines, lines for NDJSON, json for one document. */
  answer: 'events' | 'lines' | 'json';
}

/** Everything that a model works for, streamed and whole. */
export function asks(prompt: string, model = 'llama2', embedding = 'nomic-embed-text'): Ask[] {
  const messages = [{ role: 'user', content: prompt }];
  return [
    ['/openai/v1/chat/completions', { model, messages }, 'events'],
    ['/openai/v1/completions', { model, prompt }, 'events'],
    ['/openai/v1/responses', { model, input: prompt }, 'events'],
    ['/ollama/api/chat', { model, messages }, 'lines'],
    ['/ollama/api/generate', { model, prompt }, 'lines'],
    ['/ollama/v1/chat', { model, messages }, 'lines'],
    ['/ollama/v1/generate', { model, prompt }, 'lines'],
    ['/openai/v1/embeddings', { model: embedding, input: prompt }, 'json'],
    ['/ollama/api/embed', { model: embedding, input: prompt }, 'json'],
  ].flatMap(([path, body, streamed]): Ask[] => {
    const ask = (stream: boolean | undefined, answer: unknown): Ask => ({
      path: path as string,
      body: { ...(body as object), ...(stream !== undefined && { stream }) },
      answer: answer as Ask['answer'],
    });
    return streamed === 'json' ? [ask(undefined, 'json')] : [ask(true, streamed), ask(false, 'json')];
  });
}

/** What is read from the upstream and given on. */
export const READS: Ask[] = [
  '/ollama/api/tags',
  '/ollama/api/ps',
  '/ollama/api/version',
  '/ollama/v1/models',
  '/openai/v1/models',
].map((path) => ({ path, answer: 'json' }));

/** @returns whether it was answered in full; throws where it was neither answered nor told, in its own dialect */
export function answered({ path, answer }: Ask, { status, headers, text }: Reply): boolean {
  expect([path, status, text]).not.toEqual([path, 500, text]);
  // Nothing of where the upstream is, and nothing of how we are built.
  expect(text).not.toMatch(/127\.0\.0\.1|ECONN|undici|\.ts:|\.js:/);
  if (status !== 200) {
    expect(headers['content-type']).toMatch(/^application\/json/);
    expectError(path, JSON.parse(text));
    return false;
  }
  const parts = answer === 'json' ? [JSON.parse(text)] : answer === 'lines' ? lines(text) : events(text);
  const last = parts.at(-1);
  for (const part of parts.slice(0, -1)) expect(part).not.toHaveProperty('error', expect.anything());
  if (failed(last)) {
    if (path === '/openai/v1/responses') expect(last).toMatchObject({ type: expect.any(String) });
    else expectError(path, last);
    return false;
  }
  if (answer === 'lines') expect(last).toHaveProperty('done', true);
  if (answer === 'events')
    expect(text).toMatch(/data: \[DONE\]\n\n$|event: response\.(completed|incomplete)\n/);
  return true;
}

function failed(part: unknown): boolean {
  const { error, type } = part as { error?: unknown; type?: string };
  return (error !== undefined && error !== null) || type === 'error' || type === 'response.failed';
}

function expectError(path: string, value: unknown): void {
  if (path.startsWith('/ollama')) expect(value).toEqual({ error: expect.any(String) });
  else expect(value).toMatchObject({ error: { message: expect.any(String), type: expect.any(String) } });
}

const lines = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const events = (text: string): unknown[] =>
  text
    .split('\n\n')
    .map((event) => /^data: (.*)$/m.exec(event)?.[1])
    .filter((data) => data !== undefined && data !== '[DONE]')
    .map((data) => JSON.parse(data!));

/** After any abuse: nothing is held, the counters are what the history says, no request was a bug, and it answers. */
export async function expectUnharmed(rig: Rig, users: { id: string }[]): Promise<void> {
  const now = new Date().toISOString();
  for (const { id } of users) {
    const end = performance.now() + 10_000;
    for (;;) {
      const counters = await rig.store.counters(
        id,
        ['ollama', 'openai'].flatMap((gateway) =>
          ['tokens', 'requests'].map((counts) => `${gateway}:${counts}:hour:${now.slice(0, 13)}`),
        ),
      );
      const held = counters.reduce((sum, counter) => sum + counter.held, 0);
      if (held === 0) break;
      expect(performance.now(), `${held} are still held of ${id}`).toBeLessThan(end);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  expect((await verifyUsage(rig.store)).differences).toEqual([]);
  expect(rig.log.filter((line) => line.msg === 'bug')).toEqual([]);
  expect((await fetch(`${rig.url}/healthz`)).status).toBe(200);
}
