/** Every list is told by its length before its elements are looked at, and every number has a bound. */
import { expect, it } from 'vitest';
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
import { fields, readItems } from '../../src/core/translate/validate.js';

type Read = (body: unknown) => Exchange;

const messages = [{ role: 'user', content: 'a' }];
const GOOD: [Read, object][] = [
  [readNativeChat, { model: 'm', messages }],
  [readNativeGenerate, { model: 'm', prompt: 'a' }],
  [readNativeEmbed, { model: 'm', input: 'a' }],
  [readNativeEmbeddings, { model: 'm', prompt: 'a' }],
  [readGuideChat, { model: 'm', messages }],
  [readGuideGenerate, { model: 'm', prompt: 'a' }],
  [readChatCompletion, { model: 'm', messages }],
  [readCompletion, { model: 'm', prompt: 'a' }],
  [readEmbeddings, { model: 'm', input: 'a' }],
  [readResponse, { model: 'm', input: 'a' }],
];
const goodFor = (read: Read) => GOOD.find(([one]) => one === read)![1];

const INTEGERS = ['num_keep', 'num_predict', 'top_k', 'repeat_last_n', 'num_ctx', 'num_batch', 'num_gpu'];
const FLOATS = ['top_p', 'min_p', 'typical_p', 'temperature', 'repeat_penalty', 'presence_penalty'];
const withOptions: Read[] = [readNativeChat, readNativeGenerate, readNativeEmbed, readChatCompletion];

/** Reader, field, and the largest value that it may have. */
const NUMBERS: [Read, string, number][] = [
  ...withOptions.flatMap((read): [Read, string, number][] => [
    ...INTEGERS.map((name): [Read, string, number] => [read, `options.${name}`, 2 ** 31 - 1]),
    ...FLOATS.map((name): [Read, string, number] => [read, `options.${name}`, 3.4e38]),
    [read, 'options.seed', Number.MAX_SAFE_INTEGER - 8],
  ]),
  [readNativeChat, 'keep_alive', 9e9],
  [readNativeChat, 'top_logprobs', 20],
  [readNativeEmbed, 'dimensions', 65_536],
  [readGuideChat, 'parameters.max_tokens', 2 ** 31 - 1],
  [readGuideChat, 'parameters.temperature', 2],
  [readGuideGenerate, 'parameters.num_predict', 2 ** 31 - 1],
  [readChatCompletion, 'max_tokens', 2 ** 31 - 1],
  [readChatCompletion, 'max_completion_tokens', 2 ** 31 - 1],
  [readChatCompletion, 'n', 8],
  [readChatCompletion, 'seed', Number.MAX_SAFE_INTEGER - 8],
  [readChatCompletion, 'temperature', 2],
  [readChatCompletion, 'top_p', 1],
  [readChatCompletion, 'frequency_penalty', 2],
  [readChatCompletion, 'presence_penalty', 2],
  [readCompletion, 'max_tokens', 2 ** 31 - 1],
  [readCompletion, 'logprobs', 5],
  [readEmbeddings, 'dimensions', 65_536],
  [readResponse, 'max_output_tokens', 2 ** 31 - 1],
  [readResponse, 'top_logprobs', 20],
];

/** `{ a: { b: value } }` of `a.b`. */
const under = (path: string, value: unknown): object =>
  path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

it.each(NUMBERS)('%o takes %s up to %d, and nothing beyond', (read, path, most) => {
  read({ ...goodFor(read), ...under(path, most) });
  for (const beyond of [Math.max(most + 1, most * 1.01), Number.MAX_VALUE]) {
    const refused = expect.objectContaining({ status: 400, param: path });
    expect(() => read({ ...goodFor(read), ...under(path, beyond) })).toThrow(refused);
  }
});

/** A list that nobody may look into. */
function opaque(length: number): unknown[] {
  return new Proxy(Array.from({ length }), {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) throw new Error('was looked at');
      return Reflect.get(target, key);
    },
  });
}

const content = (parts: unknown) => ({ messages: [{ role: 'user', content: parts }] });

/** Reader, field, and a body with that list. */
const LISTS: [Read, string, (list: unknown[]) => object][] = [
  [readNativeChat, 'messages', (list) => ({ messages: list })],
  [readNativeChat, 'tools', (tools) => ({ tools })],
  [readNativeChat, 'options.stop', (stop) => ({ options: { stop } })],
  [readNativeChat, 'messages[0].images', (images) => ({ messages: [{ role: 'user', images }] })],
  [
    readNativeChat,
    'messages[0].tool_calls',
    (calls) => ({ messages: [{ role: 'user', tool_calls: calls }] }),
  ],
  [readNativeGenerate, 'images', (images) => ({ images })],
  [readNativeGenerate, 'context', (context) => ({ context })],
  [readNativeEmbed, 'input', (input) => ({ input })],
  [readGuideChat, 'messages', (list) => ({ messages: list })],
  [readChatCompletion, 'messages', (list) => ({ messages: list })],
  [readChatCompletion, 'messages[0].content', (parts) => content(parts)],
  [readChatCompletion, 'tools', (tools) => ({ tools })],
  [readChatCompletion, 'functions', (functions) => ({ functions })],
  [readChatCompletion, 'stop', (stop) => ({ stop })],
  [readChatCompletion, 'modalities', (modalities) => ({ modalities })],
  [
    readChatCompletion,
    'tool_choice.allowed_tools.tools',
    (tools) => ({ tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools } } }),
  ],
  [readCompletion, 'stop', (stop) => ({ stop })],
  [readResponse, 'input', (input) => ({ input })],
  [readResponse, 'tools', (tools) => ({ tools })],
  [readResponse, 'include', (include) => ({ include })],
  [readResponse, 'input[0].content', (parts) => ({ input: [{ role: 'user', content: parts }] })],
  [readResponse, 'input[0].summary', (summary) => ({ input: [{ type: 'reasoning', summary }] })],
];

it.each(LISTS)('%o refuses a long list of %s without looking into it', (read, param, bodyWith) => {
  const body = { ...goodFor(read), ...bodyWith(opaque(2_000_000)) };
  expect(() => read(body)).toThrow(expect.objectContaining({ status: 400, param }));
});

it.each([
  [readCompletion, 'prompt', 129],
  [readEmbeddings, 'input', 2_049],
] as [Read, string, number][])('%o refuses %s of %d texts', (read, param, length) => {
  const body = { model: 'm', [param]: Array.from({ length }, () => 'a') };
  expect(() => read(body)).toThrow(expect.objectContaining({ status: 400, param }));
});

it.each(GOOD)('%o refuses a long name of a model', (read, body) => {
  const refused = expect.objectContaining({ status: 400, param: 'model' });
  expect(() => read({ ...body, model: 'm'.repeat(1_025) })).toThrow(refused);
});

it('reads the elements of a list one after the other, with their paths', () => {
  const body = fields({ list: [{ a: 1 }, { a: 2 }] });
  const seen = readItems(body, 'list', 2, (item) => `${item.index}:${item.value.a}`);
  expect(seen).toEqual(['0:1', '1:2']);
  expect(() => readItems(body, 'list', 1, () => undefined)).toThrow("'list': must have at most 1 items.");
});
