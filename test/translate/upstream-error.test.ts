import { describe, expect, it } from 'vitest';
import { type NativeEndpoint, streamError, upstreamError } from '../../src/core/translate/index.js';
import { recording } from './recordings.js';

const openai = { model: 'gpt-4', dialect: 'openai', upstreamModel: 'tiny' } as const;
const ollama = { model: 'gpt-4', dialect: 'ollama', upstreamModel: 'tiny' } as const;
const body = (error: unknown) => JSON.stringify({ error });

describe('upstreamError', () => {
  it.each([
    [404, "model 'llama2:70b' not found", 'model_not_found', 404, 'model'],
    [404, 'model "llama2:70b" not found, try pulling it first', 'model_not_found', 404, 'model'],
    [400, '"tiny" does not support tools', 'unsupported_parameter', 400, 'tools'],
    [400, '"tiny" does not support thinking', 'unsupported_parameter', 400, 'reasoning_effort'],
    [
      400,
      'registry.ollama.ai/library/tiny:latest does not support insert',
      'unsupported_parameter',
      400,
      'suffix',
    ],
    [400, '"tiny" does not support chat', 'unsupported_parameter', 400, 'model'],
    [400, 'the input length exceeds the context length', 'context_length_exceeded', 400, 'messages'],
    [
      400,
      'the prompt is longer than the context length currently available',
      'context_length_exceeded',
      400,
      'messages',
    ],
    [400, 'invalid options', 'upstream_refused', 400, null],
    [401, 'unauthorized', 'upstream_error', 502, null],
    [403, 'forbidden', 'upstream_error', 502, null],
    [404, 'file does not exist', 'upstream_error', 502, null],
    [405, 'no', 'upstream_error', 502, null],
    [413, 'too large', 'too_large', 413, null],
    [429, 'slow', 'upstream_busy', 503, null],
    [499, 'request canceled', 'upstream_error', 502, null],
    [500, 'boom', 'upstream_error', 502, null],
    [500, 'error parsing tool call: raw=... err=...', 'model_output_error', 502, null],
    [
      501,
      'This server does not support embeddings. Start it with `--embeddings`',
      'unsupported_parameter',
      400,
      'model',
    ],
    [
      400,
      '{"error":{"code":400,"message":"Multimodal data provided, but model does not support multimodal requests."}}',
      'unsupported_parameter',
      400,
      'messages',
    ],
    [
      400,
      'input exceeds maximum context length and cannot be truncated further',
      'context_length_exceeded',
      400,
      'messages',
    ],
    [502, 'bad gateway', 'upstream_error', 502, null],
    [503, 'server busy, please try again.  maximum pending requests exceeded', 'upstream_busy', 503, null],
    [504, 'late', 'upstream_timeout', 504, null],
  ])('%i %s is %s, %i', (status, text, kind, code, param) => {
    expect(upstreamError(status, body(text), openai)).toMatchObject({ kind, status: code, param });
  });

  it.each([404, 405, 400, 500, 403, 200])(
    '%i with text that is no JSON neither crashes nor tells it',
    (status) => {
      for (const text of [
        '404 page not found',
        '',
        '<html>',
        '[]',
        'null',
        '{"error":null}',
        '{"error":{}}',
      ]) {
        const error = upstreamError(status, text, openai);
        expect(error.status).toBe(status === 400 ? 400 : 502);
        expect(error.message).not.toContain('page');
      }
    },
  );

  it('says how to try again when the queue is full, and that a bad tool call is worth it', () => {
    expect(Number(upstreamError(503, '', openai).headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(upstreamError(500, body('error parsing tool call: x'), openai).headers).toEqual({
      'x-should-retry': 'true',
    });
  });

  it.each([401, 403])("tells nothing of a %i: it is about our account, not the client's", (status) => {
    const text = JSON.stringify({
      error: 'unauthorized',
      signin_url: 'https://ollama.com/connect?key=secret',
    });
    for (const context of [openai, ollama]) {
      expect(upstreamError(status, text, context).message).toBe('The model server failed.');
    }
  });

  it("unwraps llama-server's JSON, which comes as text within the text", () => {
    const inner = {
      error: {
        code: 400,
        message: 'request (42947 tokens) exceeds the available context size (8192 tokens)',
      },
    };
    const error = upstreamError(400, body(JSON.stringify(inner)), openai);
    expect(error).toMatchObject({ kind: 'context_length_exceeded', message: inner.error.message });
  });

  it.each<[NativeEndpoint, string]>([
    ['/api/chat', 'messages'],
    ['/api/generate', 'prompt'],
    ['/api/embed', 'input'],
  ])('names the field of %s that is too long', (endpoint, param) => {
    const text = body('the input length exceeds the context length');
    expect(upstreamError(400, text, { ...openai, endpoint }).param).toBe(param);
  });

  it.each([
    [404, "model 'tiny' not found"],
    [400, '"tiny" does not support thinking'],
    [400, 'registry.ollama.ai/library/tiny:latest is broken'],
    [500, 'model Tiny failed: out of memory'],
  ])("says %i %s with the client's name only", (status, text) => {
    for (const context of [openai, ollama]) {
      const { message } = upstreamError(status, body(text), context);
      expect(message.toLowerCase()).not.toContain('tiny');
      expect(message).toContain('gpt-4');
    }
  });

  it('leaves other words alone that hold the name', () => {
    expect(upstreamError(500, body('destiny of tiny-think'), openai).message).toBe('destiny of tiny-think');
  });

  it.each([
    'Post "http://10.0.0.7:11434/completion": dial tcp 10.0.0.7:11434: connect: connection refused',
    'open /root/.ollama/models/blobs/sha256-799d: no such file or directory',
    'unable to load C:\\models\\x.gguf',
    'lookup ollama.internal: no such host',
    'listen on [::1]:11434',
    'sign in at ollama.com',
  ])('does not pass on %s', (text) => {
    for (const status of [400, 500]) {
      const { message } = upstreamError(status, body(text), ollama);
      expect(message).toMatch(/^The model server (failed|refused the request)\.$/);
    }
  });

  it("keeps Go's types from OpenAI clients, and what is said plainly", () => {
    const text = 'json: cannot unmarshal number into Go struct field ChatRequest.model of type string';
    expect(upstreamError(400, body(text), openai).message).toBe('The model server refused the request.');
    expect(upstreamError(400, body(text), ollama).message).toBe(text);
    const memory = 'model requires more system memory (8.0 GiB) than is available (3.1 GiB)';
    expect(upstreamError(500, body(memory), openai).message).toBe(memory);
  });

  it.each([
    'chat-missing-model.native',
    'chat-think-unsupported.native',
    'chat-tools-unsupported.native',
    'embed-missing-model.native',
    'generate-missing-model.native',
    'chat-long-prompt-no-truncate.native',
    'show-missing.native',
  ])("answers native clients in Ollama's own words: %s", (name) => {
    const { response, request } = recording(name);
    const { model } = JSON.parse(request.body) as { model: string };
    const error = upstreamError(response.status, response.body, { model, dialect: 'ollama' });
    expect(error.status).toBe(response.status);
    expect({ error: error.message }).toEqual(JSON.parse(response.body));
  });
});

describe('streamError', () => {
  it('is nothing for lines without an error', () => {
    expect(streamError({ response: 'a', done: false }, openai)).toBeUndefined();
    expect(streamError({ error: null }, openai)).toBeUndefined();
  });

  it.each([
    [{ error: 'x' }, 'upstream_error', 'x'],
    [{ error: '' }, 'upstream_error', 'The model server failed.'],
    [{ error: { message: 'nested' } }, 'upstream_error', 'nested'],
    [{ error: '{"error":{"message":"inner"}}' }, 'upstream_error', 'inner'],
    [{ error: 'dial tcp 127.0.0.1:1: refused' }, 'upstream_error', 'The model server failed.'],
    [{ error: 42 }, 'upstream_error', 'The model server failed.'],
    [
      { error: 'input length exceeds the context length' },
      'context_length_exceeded',
      'input length exceeds the context length',
    ],
    [
      { 'error parsing tool call': 'raw' },
      'model_output_error',
      'The model gave an answer that cannot be read.',
    ],
    [
      { error: 'error parsing tool call: raw' },
      'model_output_error',
      'The model gave an answer that cannot be read.',
    ],
  ])('%j is %s: %s', (chunk, kind, message) => {
    expect(streamError(chunk, openai)).toMatchObject({ kind, message });
  });
});
