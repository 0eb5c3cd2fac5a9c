/** What must hold of every answer, whatever was asked. */
import { expect } from 'vitest';
import { KINDS } from '../../../src/core/errors.js';
import type { SimulatedRequest } from '../../../src/testing/index.js';
import type { Reply } from '../../support/gateway.js';
import type { Trial } from './server.js';

/** With an upstream and a store that work, no fault is ours. */
const STATUSES = new Set<number>([
  ...[200, 201, 204],
  ...Object.values(KINDS)
    .map(({ status }) => status)
    .filter((status) => status < 499),
]);

/** Signs of a stack, a source file or a place of this machine. */
const INTERNALS =
  /\n {4}at |node:internal|node_modules|\/(src|dist|tmp|home|usr)\/|(Type|Range|Reference)Error/;

const isOllama = (path: string) => /^\/ollama(\/|$)/.test(path.split('?')[0]!);

export interface Asked {
  method: string;
  path: string;
  upstream: string;
}

/** Status, headers and form. */
export function expectSound(reply: Reply, asked: Asked): void {
  const { status, headers, text } = reply;
  expect(STATUSES, `status ${status}: ${text.slice(0, 300)}`).toContain(status);
  expect(headers['x-request-id']).toMatch(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/);
  expect(text).not.toContain(asked.upstream);
  expect(text).not.toMatch(INTERNALS);
  if (asked.method === 'HEAD' || status === 204) expect(text).toBe('');
  else if (status >= 400) expectError(reply, asked);
  else expectWhole(reply, asked);
}

function expectError({ json, text }: Reply, { path }: Asked): void {
  const words = expect.any(String);
  const object = {
    message: words,
    type: words,
    param: expect.toBeOneOf([null, words]),
    code: expect.anything(),
  };
  if (isOllama(path)) expect(json, text).toEqual({ error: words });
  else expect(json, text).toEqual({ error: { ...object, code: expect.toBeOneOf([null, words]) } });
}

function expectWhole(reply: Reply, asked: Asked): void {
  const type = String(reply.headers['content-type']);
  if (type.startsWith('application/json')) expect(reply.json, reply.text).toBeDefined();
  else if (type.startsWith('application/x-ndjson')) expectLines(reply, asked);
  else if (type.startsWith('text/event-stream')) eventsOf(reply);
  else expect(type).toMatch(/^text\/plain/);
}

/** Lines of JSON, the last of which ends the answer and no other. */
function expectLines({ text }: Reply, { path }: Asked): void {
  expect(text.endsWith('\n')).toBe(true);
  const lines = text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as { done?: unknown });
  if (!/\/(chat|generate)$/.test(path)) return;
  expect(lines.map(({ done }) => done)).toEqual([...lines.slice(1).map(() => false), true]);
}

/** The events of a stream that has come to its end. */
export function eventsOf({ text }: Reply): Record<string, unknown>[] {
  expect(text.endsWith('\n\n')).toBe(true);
  const blocks = text.slice(0, -2).split('\n\n');
  const data = blocks.map((block) => {
    const lines = block.split('\n').filter((line) => !line.startsWith(':'));
    expect(lines.at(-1), block).toMatch(/^data: /);
    expect(lines.slice(0, -1).join(), block).toMatch(/^(event: [a-z._]+)?$/);
    return lines.at(-1)!.slice('data: '.length);
  });
  const last = data.at(-1);
  const events = (last === '[DONE]' ? data.slice(0, -1) : data).map(
    (each) => JSON.parse(each) as Record<string, unknown>,
  );
  expect(events.filter(({ error, type }) => error && type === undefined)).toEqual([]);
  if (last !== '[DONE]') expect(events.at(-1)?.type).toMatch(/^response\.(completed|incomplete)$/);
  return events;
}

/** Whatever was generated was counted, and nothing else was. */
export function expectMetered({ reply, sent, used }: Trial, { inference }: { inference: boolean }): void {
  const generated = sent.reduce((sum, request) => sum + request.generated, 0);
  const answered = inference && reply.status === 200;
  // Several prompts and choices are a request each.
  const requests = Math.max(1, sent.length);
  if (answered) expect(used).toMatchObject({ requests, completionTokens: generated });
  else if (generated === 0) {
    expect(used).toMatchObject({ promptTokens: 0, completionTokens: 0 });
    // What the upstream refuses is given back, until a user makes many such requests.
    expect(used.requests).toBeLessThanOrEqual(sent.length);
  } else expect(used.completionTokens).toBeGreaterThanOrEqual(generated);
  const usage = answered ? (reply.json as { usage?: Record<string, number> } | undefined)?.usage : undefined;
  if (!usage) return;
  expect(usage.prompt_tokens ?? usage.input_tokens).toBe(used.promptTokens);
  expect(usage.completion_tokens ?? usage.output_tokens ?? 0).toBe(used.completionTokens);
}

const MESSAGE = ['role', 'content', 'thinking', 'images', 'tool_calls', 'tool_name', 'tool_call_id'];
const OPTIONS = [
  ...['num_keep', 'seed', 'num_predict', 'top_k', 'top_p', 'min_p', 'typical_p', 'repeat_last_n'],
  ...['temperature', 'repeat_penalty', 'presence_penalty', 'frequency_penalty', 'stop', 'num_ctx'],
  ...['num_batch', 'num_gpu', 'main_gpu', 'use_mmap', 'num_thread', 'draft_num_predict'],
];
const COMMON = ['model', 'stream', 'options', 'keep_alive'];
const TEXT = [...COMMON, 'format', 'think', 'truncate', 'shift', 'logprobs', 'top_logprobs'];
const KEYS: Record<string, string[]> = {
  '/api/chat': [...TEXT, 'messages', 'tools'],
  '/api/generate': [...TEXT, 'prompt', 'suffix', 'system', 'template', 'context', 'raw', 'images'],
  '/api/embed': [...COMMON, 'input', 'truncate', 'dimensions'],
  '/api/embeddings': [...COMMON, 'prompt'],
  '/api/show': ['model', 'verbose'],
};
const READS = ['/api/tags', '/api/ps', '/api/version'];

type Fields = Record<string, unknown>;
const listOf = (value: unknown) => (value ?? []) as Fields[];

function expectKeys(value: unknown, known: string[]): void {
  expect(known).toEqual(expect.arrayContaining(Object.keys((value ?? {}) as object)));
}

/** Rebuilt from known keys in their own case, at the few paths there are. */
export function expectRebuilt(sent: SimulatedRequest[]): void {
  for (const { method, path, body } of sent) {
    if (method === 'GET') {
      expect(READS).toContain(path);
      continue;
    }
    expect(Object.keys(KEYS)).toContain(path);
    const request = body as Fields;
    expectKeys(request, KEYS[path]!);
    expectKeys(request.options, OPTIONS);
    for (const message of listOf(request.messages)) {
      expectKeys(message, MESSAGE);
      for (const call of listOf(message.tool_calls)) {
        expectKeys(call, ['id', 'function']);
        expectKeys(call.function, ['index', 'name', 'arguments']);
      }
    }
    for (const tool of listOf(request.tools)) {
      expectKeys(tool, ['type', 'function']);
      expectKeys(tool.function, ['name', 'description', 'parameters']);
    }
  }
}
