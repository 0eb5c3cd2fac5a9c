/** JSON texts that are nearly what a reader expects. */
import fc from 'fast-check';
import { parseExact } from '../../../src/core/translate/index.js';

/** Values at the edges of their types, as they stand in a text: a parsed one could not be 1e400. */
const EDGES = [
  ...['null', 'true', 'false', '0', '-0', '-1', '1', '2', '0.5', '1.0', '2.1', '21', '5e-324', '1e308'],
  ...['1e400', '-1e400', '1e21', '2147483648', '9007199254740993', '-9223372036854775809'],
  ...['""', '" "', '"0"', '"1"', '"NaN"', '"-0"', '"true"', '"null"', '"5m"', '"-1"', '"json"', '"user"'],
  ...['"\\u0000"', '"\\ud800"', '"\\udc00x"', '"\\u2028\\u2029\\u0085"', '"\\ufeff"', '"\\r\\n\\t"'],
  ...['"__proto__"', '"constructor"', '"toString"', '"<think>"', '"data: [DONE]\\n\\n"', '"AAAA"'],
  ...['[]', '{}', '[[]]', '[{}]', '[null]', '[""]', '[0]', '["a","b"]', '{"type":"text"}'],
  ...['{"__proto__":{"stream":true}}', '{"constructor":{"prototype":{"stream":true}}}'],
];

export const edge = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...EDGES) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.double().map((value) => (Number.isFinite(value) ? String(value) : '1e999')) },
  { weight: 1, arbitrary: fc.json({ stringUnit: 'binary' }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 20_000 }).map((length) => `"${'a '.repeat(length)}"`) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 1_200 }).map((depth) => nested(depth)) },
);

const nested = (depth: number) =>
  depth % 2 === 0
    ? `${'['.repeat(depth)}1${']'.repeat(depth)}`
    : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** Every name that some dialect knows, and some that none does. */
const NAMES = [
  ...['model', 'name', 'messages', 'prompt', 'input', 'stream', 'stream_options', 'options', 'parameters'],
  ...['tools', 'tool_choice', 'functions', 'function_call', 'parallel_tool_calls', 'response_format'],
  ...['format', 'think', 'reasoning', 'reasoning_effort', 'keep_alive', 'truncate', 'truncation', 'raw'],
  ...['temperature', 'top_p', 'seed', 'stop', 'n', 'best_of', 'echo', 'suffix', 'logprobs', 'top_logprobs'],
  ...['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'num_predict', 'num_ctx', 'dimensions'],
  ...['role', 'content', 'images', 'tool_calls', 'tool_call_id', 'type', 'text', 'image_url', 'input_audio'],
  ...['function', 'arguments', 'parameters', 'properties', 'index', 'id', 'system', 'template', 'context'],
  ...['instructions', 'include', 'metadata', 'user', 'encoding_format', 'logit_bias', 'modalities'],
  ...['username', 'password', 'invitation', 'refresh_token', 'source', 'destination', 'from', 'verbose'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '',
    'MODEL',
    'Stream',
    'num_Predict',
    'debug',
    '_debug_render_only',
  ],
];

export const name = fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: 'binary', maxLength: 8 }));

type Change = { at: number; key: string; value: string } & {
  how: 'replace' | 'remove' | 'add' | 'rename' | 'odd case' | 'wrap' | 'as text' | 'double';
};

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(1_000),
  how: fc.constantFrom('replace', 'remove', 'add', 'rename', 'odd case', 'wrap', 'as text', 'double'),
  key: name,
  value: edge,
});

type Parent = Record<string, unknown>;

// Node has it; TypeScript's library does not know it yet.
const { isRawJSON: isRaw } = JSON as unknown as { isRawJSON(value: unknown): boolean };

/** Where every value stands, the outermost last. */
function places(value: unknown, parent: Parent, key: string): { parent: Parent; key: string }[] {
  // Numbers that keep their digits are objects, too.
  const inner = typeof value === 'object' && value !== null && !isRaw(value) ? (value as Parent) : {};
  return [...Object.keys(inner).flatMap((each) => places(inner[each], inner, each)), { parent, key }];
}

const set = (parent: Parent, key: string, value: unknown) =>
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });

function changed(text: string, { at, how, key: other, value }: Change): string {
  if (how === 'double') return doubled(text, at, value);
  const root: Parent = { body: parseExact(text) };
  const all = places(root.body, root, 'body');
  const { parent, key } = all[at % all.length]!;
  const old = parent[key];
  const list = Array.isArray(parent);
  if (how === 'replace') set(parent, key, parseExact(value));
  else if (how === 'wrap') set(parent, key, [old]);
  else if (how === 'as text') set(parent, key, JSON.stringify(old));
  else if (how === 'add' && !list && parent !== root) set(parent, other, parseExact(value));
  else if (how === 'add' && Array.isArray(old)) old.push(old[0] ?? parseExact(value));
  else if (parent === root || list) set(parent, key, null);
  else {
    delete parent[key];
    if (how === 'rename') set(parent, other, old);
    if (how === 'odd case')
      set(parent, key.toUpperCase() === key ? key.toLowerCase() : key.toUpperCase(), old);
  }
  return JSON.stringify(root.body);
}

/** One key twice: the last one counts for us, and for Go. */
function doubled(text: string, at: number, value: string): string {
  const keys = [...text.matchAll(/"(?:[^"\\]|\\.)*":/g)];
  const { 0: key, index } = keys[at % keys.length] ?? { 0: '', index: 0 };
  return key === '' ? text : `${text.slice(0, index)}${key}${value},${text.slice(index)}`;
}

/** A good text with some of its values and keys changed: still JSON. */
export const mutant = (good: fc.Arbitrary<string>) =>
  fc
    .tuple(good, fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([text, changes]) => changes.reduce(changed, text));

/** A text with some of its bytes changed: hardly JSON any more. */
export const damaged = (good: fc.Arbitrary<string>) =>
  fc
    .tuple(
      good,
      fc.array(fc.tuple(fc.nat(100_000), fc.nat(255)), { maxLength: 4 }),
      fc.option(fc.nat(100_000)),
      fc.uint8Array({ maxLength: 4 }),
    )
    .map(([text, flips, end, tail]) => {
      const bytes = Buffer.from(text);
      for (const [at, byte] of flips) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return Buffer.concat([bytes.subarray(0, end === null ? bytes.length : end % (bytes.length + 1)), tail]);
    });
