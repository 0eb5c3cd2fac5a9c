import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/core/errors.js';
import {
  goJson,
  lengthChunk,
  parseChunk,
  readNativeChat,
  readNativeEmbed,
  renameModel,
} from '../../../src/core/translate/index.js';
import { CONTEXT, recorded, recording } from '../recordings.js';

const renamedContext = { ...CONTEXT, model: 'gpt-4', renamed: true };
const chat = readNativeChat({ model: 'tiny', messages: [{ role: 'user', content: 'a' }] });
const rename = (text: string, model = 'gpt-4') => String(renameModel(Buffer.from(text), model));

describe('renameModel', () => {
  it.each(recorded('native.stream'))('changes nothing but the model: %s', (name) => {
    const { body } = recording(`${name}.native.stream`).response;
    for (const line of body.split(/(?<=\n)/)) {
      const expected = line.replace(/^\{"model":"[^"]*"/, '{"model":"gpt-4"').replaceAll('\u0085', '\\u0085');
      expect(rename(line)).toBe(expected);
    }
  });

  it('keeps digits, escapes and the line feed', () => {
    const rest = ',"message":{"content":"\\u003cb\\u003e","n":9007199254740993,"f":1.0}}\n';
    expect(rename(`{"model":"tiny"${rest}`)).toBe(`{"model":"gpt-4"${rest}`);
    expect(rename(`{ "model": "tiny"${rest}`)).toBe(`{"model":"gpt-4"${rest}`);
  });

  it('takes names with quotes and backslashes in them', () => {
    expect(rename('{"model":"a\\"b\\\\","x":1}', 'q"<')).toBe('{"model":"q\\"\\u003c","x":1}');
  });

  it('does not tell what is behind a cloud model', () => {
    const line =
      '{"model":"m","remote_model":"secret","remote_host":"https://ollama.com:443","done":false}\n';
    expect(rename(line)).toBe('{"model":"gpt-4","done":false}\n');
  });

  it('escapes U+0085, on which ollama-python would split the line', () => {
    expect(rename('{"model":"m","response":"a\u0085b"}\n')).toBe(
      '{"model":"gpt-4","response":"a\\u0085b"}\n',
    );
  });

  it('leaves documents without a model as they are', () => {
    expect(rename('{"embedding":[0.10]}')).toBe('{"embedding":[0.10]}');
  });

  it('is the same JSON for any content', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary', minLength: 1 }),
        (text, model) => {
          const line = `${goJson({ model: 'tiny', response: text })}\n`;
          expect(JSON.parse(rename(line, model))).toEqual({
            model: model,
            response: text,
          });
          expect(rename(line, model)).not.toMatch(/[\u0085\u2028\u2029]/);
        },
      ),
    );
  });
});

describe('a whole native answer', () => {
  it("is the upstream's own bytes", () => {
    const bytes = Buffer.from('{"model":"tiny", "embeddings":[[0.10]]}');
    const exchange = readNativeEmbed({ model: 'tiny', input: 'a' });
    expect(exchange.whole([{ value: parseChunk(bytes), bytes }], CONTEXT)).toBe(bytes);
    expect(String(exchange.whole([{ value: parseChunk(bytes), bytes }], renamedContext))).toBe(
      '{"model":"gpt-4", "embeddings":[[0.10]]}',
    );
  });

  it('has no line feed, though it came as a stream of one line', () => {
    const { body } = recording('chat-nothing.native.stream').response;
    const bytes = Buffer.from(body);
    expect(`${chat.whole([{ value: parseChunk(bytes), bytes }], CONTEXT)}\n`).toBe(body);
  });

  it("is written in Go's manner where it was collected, under the client's name", () => {
    const value = { model: 'tiny', message: { role: 'assistant', content: '<b>\u2028' }, done: true };
    const text = '"message":{"role":"assistant","content":"\\u003cb\\u003e\\u2028"},"done":true}';
    expect(String(chat.whole([{ value }], CONTEXT))).toBe(`{"model":"tiny",${text}`);
    expect(String(chat.whole([{ value }], renamedContext))).toBe(`{"model":"gpt-4",${text}`);
  });
});

describe('a native stream', () => {
  it('says what it is', () => {
    expect(chat.encoder(CONTEXT).headers).toEqual({ 'content-type': 'application/x-ndjson' });
    expect(chat.encoder(CONTEXT).heartbeat).toBeUndefined();
  });

  it("carries the client's name in every line where the model was renamed", () => {
    const encoder = chat.encoder(renamedContext);
    const line = Buffer.from('{"model":"tiny","message":{"role":"assistant","content":"a"},"done":false}\n');
    expect(String(encoder.write(0, parseChunk(line), line))).toBe(String(line).replace('tiny', 'gpt-4'));
  });

  it('can be ended by a chunk that the gateway made', () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    const counts = { promptTokens: 10, completionTokens: 3 };
    const end = lengthChunk('tiny', '/api/chat', counts, at);
    expect(chat.encoder(CONTEXT).write(0, end)).toBe(
      '{"model":"tiny","created_at":"2026-01-02T03:04:05.678Z","message":{"role":"assistant","content":""},"done":true,' +
        '"done_reason":"length","prompt_eval_count":10,"eval_count":3}\n',
    );
    expect(chat.encoder(renamedContext).write(0, end)).toContain('{"model":"gpt-4"');
    expect(lengthChunk('tiny', '/api/generate', { promptTokens: 0, completionTokens: 0 }, at)).toEqual({
      model: 'tiny',
      created_at: '2026-01-02T03:04:05.678Z',
      response: '',
      done: true,
      done_reason: 'length',
    });
  });

  it('fails with one line that has a string', () => {
    const error = new GatewayError('upstream_error', { message: 'it broke\u0085' });
    expect(chat.encoder(CONTEXT).fail(error)).toBe('{"error":"it broke\\u0085"}\n');
  });
});
