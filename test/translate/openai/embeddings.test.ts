import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/core/errors.js';
import { collector, parseChunk, readEmbeddings } from '../../../src/core/translate/index.js';
import { CONTEXT, recorded, recording, replyOf, requestOf } from '../recordings.js';

const read = (fields: object) => readEmbeddings({ model: 'm', input: 'a', ...fields });
const bad = (param: string | null) => expect.objectContaining({ status: 400, param });
const answerOf = (...embeddings: number[][]) => [{ value: { embeddings, prompt_eval_count: 3 } }];

describe('recorded embeddings', () => {
  const names = recorded('native', 'openai').filter((name) => name.startsWith('embed-'));

  it.each(names)('%s', (name) => {
    const bytes = Buffer.from(recording(`${name}.native`).response.body);
    const exchange = readEmbeddings(requestOf(`${name}.openai`));
    const value = parseChunk(bytes);
    expect(exchange.whole([{ value, bytes }], { ...CONTEXT, model: exchange.model })).toEqual(
      replyOf(`${name}.openai`),
    );
  });

  it('in base64 are the same bytes', () => {
    const value = parseChunk(Buffer.from(recording('embed-one.native').response.body));
    const exchange = readEmbeddings(requestOf('embed-base64.openai'));
    expect(exchange.whole([{ value }], { ...CONTEXT, model: 'tiny-embed' })).toEqual(
      replyOf('embed-base64.openai'),
    );
  });

  it('survive being collected', () => {
    const value = parseChunk(Buffer.from(recording('embed-many.native').response.body));
    const whole = collector();
    whole.write(value);
    expect(whole.value()).toEqual(value);
  });
});

describe('an embeddings request', () => {
  it('asks for all its inputs at once', () => {
    const exchange = read({ input: ['ab', 'é'], dimensions: 8, user: 'u' });
    expect(exchange).toMatchObject({ endpoint: '/api/embed', stream: false });
    expect(exchange.calls).toEqual([{ request: { model: 'm', input: ['ab', 'é'], dimensions: 8 } }]);
    expect(read({}).calls[0]!.request.input).toEqual(['a']);
  });

  it('takes options of Ollama too: whether a long input is cut', () => {
    const own = { truncate: true, keep_alive: '5m', options: { num_ctx: 512 } };
    expect(read(own).calls[0]!.request).toEqual({ model: 'm', input: ['a'], ...own });
    expect(() => read({ truncate: 'yes' })).toThrow(bad('truncate'));
  });

  it('may have 2048 inputs', () => {
    const input = Array.from({ length: 2049 }, () => 'a');
    expect(read({ input: input.slice(1) }).calls[0]!.request.input).toHaveLength(2048);
    expect(() => read({ input })).toThrow(bad('input'));
  });

  it.each([
    [{ model: undefined }, 'model'],
    [{ input: undefined }, 'input'],
    [{ input: '' }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: ['', ''] }, 'input[0]'],
    [{ input: ['a', ''] }, 'input[1]'],
    [{ input: 7 }, 'input'],
    [{ input: [1, 2] }, 'input'],
    [{ input: [[1], [2]] }, 'input'],
    [{ input: ['a', null] }, 'input[1]'],
    [{ encoding_format: 'hex' }, 'encoding_format'],
    [{ dimensions: 0 }, 'dimensions'],
    [{ dimensions: 1.5 }, 'dimensions'],
  ])('is not %j', (fields, param) => {
    expect(() => read(fields)).toThrow(bad(param));
  });
});

describe('an embeddings reply', () => {
  it('keeps the order, and numbers it', () => {
    expect(read({ input: ['a', 'b'] }).whole(answerOf([1], [2]), CONTEXT)).toEqual({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [1] },
        { object: 'embedding', index: 1, embedding: [2] },
      ],
      model: 'tiny',
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
  });

  it.each(['base64', 'BASE64'])('is little-endian 32-bit floats for %s', (encoding_format) => {
    const whole = read({ encoding_format }).whole(answerOf([1, -2.5]), CONTEXT);
    expect(whole).toMatchObject({
      data: [{ embedding: Buffer.from('0000803f000020c0', 'hex').toString('base64') }],
    });
  });

  it.each([[[]], [[[1], [2]]], [[0]], [[null]]])('is not made of %j for one input', (embeddings) => {
    expect(() => read({}).whole(answerOf(...(embeddings as unknown as number[][])), CONTEXT)).toThrow(
      expect.objectContaining({ kind: 'upstream_error' }),
    );
    expect(() => read({}).whole([{ value: {} }], CONTEXT)).toThrow(GatewayError);
  });
});
