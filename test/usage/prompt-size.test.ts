import { expect, test } from 'vitest';
import type { NativeRequest } from '../../src/core/translate/types.js';
import { promptSize } from '../../src/core/usage/prompt-size.js';

const LONG = 'internationalisation of a text '.repeat(100);
const size = (request: Partial<NativeRequest>) => promptSize({ model: 'm', ...request });
const all = (request: Partial<NativeRequest>) => {
  const { units, extra, tokens } = size(request);
  return Object.values(units).reduce((sum, one) => sum + one, extra + tokens);
};
const call = (more: object) => ({ function: { name: 'f', arguments: {} }, ...more });
const message = (more: object) => ({ messages: [{ role: 'user', content: '', ...more }] });

test.each<[string, Partial<NativeRequest>]>([
  ['content', message({ content: LONG })],
  ['reasoning', message({ thinking: LONG })],
  ['the name of a tool that answers', message({ tool_name: LONG })],
  ['the id of the call that it answers', message({ tool_call_id: LONG })],
  ['the name of a call', message({ tool_calls: [call({ function: { name: LONG, arguments: {} } })] })],
  [
    'the arguments of a call',
    message({ tool_calls: [call({ function: { name: 'f', arguments: { LONG } } })] }),
  ],
  ['the id of a call', message({ tool_calls: [call({ id: LONG })] })],
  ['tools', { ...message({}), tools: [{ type: 'function', function: { name: LONG } }] }],
  ['a format', { ...message({}), format: { description: LONG } }],
  ['a prompt', { prompt: LONG }],
  ['a system prompt', { prompt: 'x', system: LONG }],
  ['a suffix', { prompt: 'x', suffix: LONG }],
  ['a template', { prompt: 'x', template: LONG }],
  ['a context', { prompt: 'x', context: Array<number>(600).fill(7) }],
  ['an input', { input: LONG }],
  ['inputs', { input: ['x', LONG] }],
])('%s counts', (_, request) => {
  expect(all(request)).toBeGreaterThan(400);
});

test('images count, wherever they stand', () => {
  expect(size({ prompt: 'x', images: ['AA==', 'AA=='] }).units.media).toBe(2 * 600);
  expect(size(message({ images: ['AA=='] })).units.media).toBe(600);
});

test('what fills a vocabulary counts by words, what does not by characters', () => {
  const units = (text: string) => size({ prompt: text }).units;
  expect(units('word '.repeat(100)).ascii).toBeCloseTo(105);
  expect(units('x7'.repeat(100)).ascii).toBeGreaterThan(150);
  expect(units(' '.repeat(100))).toMatchObject({ ascii: 0, space: 49.5 });
  expect(units('漢字'.repeat(100)).other).toBeCloseTo(170);
  expect(units('ж'.repeat(100)).other).toBeCloseTo(55);
});

test.each(['plain', 'naïve café', 'Привет', '漢字かな', '🎉🎊', 'a\n\tb'])(
  '%j has the bytes of UTF-8',
  (text) => {
    expect(size({ prompt: text }).bytes).toBe(Buffer.byteLength(text));
  },
);

test('only a prompt that the template renders has its frame', () => {
  expect(size({ prompt: 'x' }).framed).toBe(true);
  expect(size(message({ content: 'x' })).framed).toBe(true);
  for (const more of [{ raw: true }, { suffix: 'y' }, { template: 'y' }, { context: [1] }, { input: 'y' }]) {
    expect(size({ prompt: 'x', ...more }).framed).toBe(false);
  }
});

test('a long prompt is looked at here and there, where nobody can foresee', () => {
  const cheap = 'word '.repeat(200_000);
  const dense = '7#x!Q'.repeat(200_000);
  const units = (text: string) => size({ prompt: text.slice(0, 20_000) }).units.ascii * 50;
  const whole = units(cheap) + units(dense);
  for (const pick of [0, 0.3, 0.7, 0.999]) {
    const sampled = promptSize({ model: 'm', prompt: cheap + dense }, () => pick);
    expect(sampled.bytes).toBe(2_000_000);
    expect(Math.abs(sampled.units.ascii / whole - 1)).toBeLessThan(0.05);
    const many = Array.from({ length: 20_000 }, (_, at) => ({
      role: 'user',
      content: (at % 2 ? cheap : dense).slice(0, 100),
    }));
    const several = promptSize({ model: 'm', messages: many }, () => pick);
    expect(Math.abs(several.units.ascii / whole - 1)).toBeLessThan(0.1);
  }
});
