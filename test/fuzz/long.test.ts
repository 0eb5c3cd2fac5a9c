/** Long texts of one pattern: where a reader goes back and forth over them, the server stands still. */
import fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import { expectSound } from './support/oracle.js';
import { checkAsync, SLOW } from './support/runs.js';
import { targets } from './support/samples.js';
import { startTarget, type Target } from './support/server.js';

let target: Target;
beforeAll(async () => {
  target = await startTarget();
  // What becomes of them upstream is not the question.
  target.simulator.fail({ kind: 'status', status: 400, error: 'refused' });
});
afterAll(() => target.close());

const LENGTH = 300_000;
const UNITS = [
  ...[
    ' ',
    '\n',
    '\r\n',
    '\t',
    'a',
    '1',
    '=',
    '/',
    '\\',
    '"',
    '{',
    '[',
    ':',
    ';',
    ',',
    '.',
    '-',
    '@',
    '%',
    '\u0000',
  ],
  ...[
    ':local',
    ':local ',
    ':cloud',
    '-cloud ',
    'a/',
    'a:',
    'http://',
    'data:',
    'data:;base64,',
    ';base64',
    'AAA=',
  ],
  ...[
    '1h',
    '1.',
    '.1',
    'ns',
    '<think>',
    '</think>',
    '<tool_call>',
    '{"a":',
    '[[',
    '""',
    '\\u0000',
    '\ud800',
    '\u00e9',
  ],
  ...[
    'model ',
    'not found ',
    'does not support ',
    '127.',
    '/a',
    '://',
    '*',
    '**',
    'rt_',
    '\ufeff',
    '\u2028',
    'data: ',
  ],
];
const TAILS = ['', 'x', '!', '\n', ' ', '=', '"', '}', ':cloud', '\u0000'];

type Json = Record<string, unknown>;

/** The text with the `at`th of its strings, or of its lists, made long. */
function stretched(text: string, at: number, long: string): string {
  const places: { parent: Json; key: string }[] = [];
  const root: Json = { body: JSON.parse(text) };
  const walk = (parent: Json) => {
    for (const [key, value] of Object.entries(parent)) {
      if (typeof value === 'string' || Array.isArray(value)) places.push({ parent, key });
      if (typeof value === 'object' && value !== null) walk(value as Json);
    }
  };
  walk(root);
  const { parent, key } = places[at % Math.max(1, places.length)] ?? { parent: root, key: '' };
  const value = parent[key];
  // As many items as fit into the same room.
  if (Array.isArray(value)) {
    const size = JSON.stringify(value[0] ?? null).length + 1;
    parent[key] = Array.from({ length: Math.ceil(LENGTH / size) }, () => value[0] ?? null);
  } else parent[key] = long;
  return JSON.stringify(root.body);
}

test('long texts and lists are answered in time', SLOW, async () => {
  const routes = targets().filter(({ bodies }) => bodies.length > 0);
  const example = fc.constantFrom(...routes).chain(({ bodies, ...route }) =>
    fc.record({
      route: fc.constant(route),
      body: fc.constantFrom(...bodies),
      at: fc.nat(40),
      unit: fc.constantFrom(...UNITS),
      tail: fc.constantFrom(...TAILS),
    }),
  );
  const property = fc.asyncProperty(
    example,
    async ({ route: { method, path, manage }, body, at, unit, tail }) => {
      const long = stretched(body, at, unit.repeat(LENGTH / unit.length) + tail);
      const headers = { 'content-length': String(Buffer.byteLength(long)) };
      const account = manage ? target.member : target.admin;
      const { reply } = await target.ask(account, path, { method, body: long, headers });
      expectSound(reply, { method, path, upstream: target.upstream });
    },
  );
  await checkAsync(property, 60);
});
