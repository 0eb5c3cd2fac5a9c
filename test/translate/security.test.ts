/** Whatever a client sends, nothing but known keys goes on, and nothing but a 400 comes back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/core/errors.js';
import {
  type Exchange,
  readChatCompletion,
  readCompletion,
  readEmbeddings,
  readGuideChat,
  readGuideGenerate,
  readNativeChat,
  readNativeEmbed,
  readNativeEmbeddings,
  readNativeGenerate,
  readResponse,
} from '../../src/core/translate/index.js';

const READERS: [string, (body: unknown) => Exchange, object][] = [
  ['native chat', readNativeChat, { messages: [{ role: 'user', content: 'a' }] }],
  ['native generate', readNativeGenerate, { prompt: 'a' }],
  ['native embed', readNativeEmbed, { input: 'a' }],
  ['native embeddings', readNativeEmbeddings, { prompt: 'a' }],
  ['guide chat', readGuideChat, { messages: [{ role: 'user', content: 'a' }] }],
  ['guide generate', readGuideGenerate, { prompt: 'a' }],
  ['chat completion', readChatCompletion, { messages: [{ role: 'user', content: 'a' }] }],
  ['completion', readCompletion, { prompt: 'a' }],
  ['response', readResponse, { input: 'a' }],
  ['embeddings', readEmbeddings, { input: 'a' }],
];

const KNOWN = new Set(
  [
    'model',
    'messages',
    'prompt',
    'input',
    'tools',
    'format',
    'options',
    'think',
    'keep_alive',
    'truncate',
    'shift',
  ].concat([
    'logprobs',
    'top_logprobs',
    'suffix',
    'system',
    'template',
    'context',
    'raw',
    'images',
    'dimensions',
  ]),
);
const FIELDS = [
  ...KNOWN,
  ...[
    'stream',
    'stream_options',
    'temperature',
    'top_p',
    'stop',
    'seed',
    'n',
    'max_tokens',
    'max_completion_tokens',
  ],
  ...[
    'tool_choice',
    'parallel_tool_calls',
    'functions',
    'function_call',
    'response_format',
    'reasoning_effort',
  ],
  ...[
    'logit_bias',
    'modalities',
    'audio',
    'encoding_format',
    'best_of',
    'echo',
    'parameters',
    '_debug_render_only',
  ],
  ...['__proto__', 'constructor', 'toString', 'MODEL', 'Options', 'STREAM', 'name'],
];

describe.each(READERS)('%s', (_name, read, least) => {
  it('takes any JSON for an exchange of known keys, or refuses it with 400', () => {
    // Fields of any value, in a body that is otherwise good: so that each check is reached.
    const field = fc.tuple(fc.constantFrom(...FIELDS), fc.jsonValue({ maxDepth: 3 }));
    const good = fc.array(field, { maxLength: 4 }).map((fields) => {
      const entries = fields
        .map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`)
        .join('');
      return `{"model":"m",${JSON.stringify(least).slice(1, -1)}${entries}}`;
    });
    const any = fc.jsonValue().map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: good }, any), (body) => {
        try {
          for (const { request } of read(JSON.parse(body)).calls) {
            for (const key of Object.keys(request)) expect(KNOWN).toContain(key);
            expect(typeof request.model).toBe('string');
          }
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
          expect(error.status).toBe(400);
        }
      }),
      { numRuns: 300 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('does not see what a prototype has', () => {
    const inherited = { param: 'model', status: 400 };
    expect(() => read(Object.create({ model: 'm', ...least }))).toThrow(expect.objectContaining(inherited));
    const body = Object.assign(Object.create({ stream: true, logprobs: true, suffix: 'x' }), {
      model: 'm',
      ...least,
    });
    expect(read(body).calls).toEqual(read({ model: 'm', ...least }).calls);
  });

  it('does not see keys in another case', () => {
    const odd = (key: string) => fc.mixedCase(fc.constant(key), { toggleCase: (char) => char.toUpperCase() });
    const keys = fc
      .constantFrom(...KNOWN)
      .chain(odd)
      .filter((key) => key !== key.toLowerCase());
    const plain = read({ model: 'm', ...least }).calls.map(({ request }) => request);
    fc.assert(
      fc.property(keys, fc.jsonValue(), (key, value) => {
        expect(read({ model: 'm', ...least, [key]: value }).calls.map(({ request }) => request)).toEqual(
          plain,
        );
      }),
    );
    expect(() => read({ MODEL: 'm', Model: 'm', ...least })).toThrow(
      expect.objectContaining({ param: 'model', status: 400 }),
    );
  });
});
