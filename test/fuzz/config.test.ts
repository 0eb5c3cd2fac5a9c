/** Configurations that somebody has typed wrong. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError, checkConfig, parseConfig } from '../../src/core/config.js';
import { damaged, edge, mutant } from './support/json.js';
import { check } from './support/runs.js';

const GUIDE = /```yaml\n([\s\S]*?)```/g;
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
const examples = [...PAGE.matchAll(GUIDE)].map(([, yaml = '']) => yaml);

const pieces = fc.constantFrom(
  ...[
    'server:',
    'store:',
    'limits:',
    ' ',
    '  ',
    '\n',
    '\t',
    '- ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '|',
    '>',
  ],
  ...[
    '&a',
    '*a',
    '<<: *a',
    '!!binary x',
    '!!set',
    '!x',
    '%YAML 1.1\n',
    '---\n',
    '...\n',
    '#',
    '?',
    '@',
    '`',
    '~',
  ],
  ...[
    'null',
    'unlimited',
    '.inf',
    '.nan',
    '0x1F',
    '1e400',
    '012',
    '2026-11-23',
    '\u0000',
    '\ufeff',
    '__proto__: 1\n',
  ],
);

/** A configuration, or an error that says which keys are wrong. */
function expectReadable(read: () => object): void {
  try {
    expect(read()).toHaveProperty('server.port');
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { problems, message } = error as ConfigError;
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) {
      expect(problem.message).not.toMatch(/undefined|\[object|\n {4}at /);
      expect(problem.line ?? 1).toBeGreaterThan(0);
    }
    expect(message.split('\n').length).toBeGreaterThanOrEqual(problems.length);
  }
}

test('there are examples', () => expect(examples.length).toBeGreaterThan(0));

test('any text is a configuration or says where it is none', () => {
  const yaml = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 20 }).map((parts) => parts.join('')),
    damaged(fc.constantFrom(...examples)).map(String),
    fc
      .tuple(fc.constantFrom(...examples), fc.nat(2_000), fc.array(pieces, { maxLength: 3 }))
      .map(([text, at, parts]) => text.slice(0, at) + parts.join('') + text.slice(at)),
  );
  check(
    fc.property(yaml, (text) => expectReadable(() => parseConfig(text, 'file'))),
    500,
  );
});

const DEFAULTS = JSON.stringify(checkConfig({}));

test('any object is a configuration or says which of its keys are wrong', () => {
  check(
    fc.property(mutant(fc.constant(DEFAULTS)), (json) => {
      const value: unknown = JSON.parse(json);
      if (typeof value === 'object' && value !== null) expectReadable(() => checkConfig(value));
    }),
    500,
  );
});

test('a size is a whole number of bytes, or no size', () => {
  const size = fc
    .tuple(
      fc.oneof(fc.double().map(String), fc.nat().map(String), fc.string()),
      fc.constantFrom('', ' ', '  '),
      unit,
    )
    .map((parts) => parts.join(''));
  check(
    fc.property(
      fc.oneof(
        size,
        edge.map((json) => JSON.parse(json) as unknown),
      ),
      (given) => {
        expectReadable(() => {
          const { server } = checkConfig({ server: { body_limit: given as string } });
          expect(Number.isSafeInteger(server.body_limit) && server.body_limit > 0).toBe(true);
          return { server };
        });
      },
    ),
    500,
  );
});

const unit = fc.constantFrom('b', 'kb', 'KB', 'mb', 'GB', 'tb', '');

test('any variable of the environment is taken or named', () => {
  const names = [
    'SERVER_PORT',
    'SERVER_HOST',
    'STORE_URL',
    'LIMITS_ROLES',
    'API_GATEWAYS_ENABLED',
    'AUTH',
    'SERVER_X',
  ];
  const value = fc.oneof(
    edge,
    fc.array(pieces, { maxLength: 6 }).map((parts) => parts.join('')),
    fc.string(),
  );
  check(
    fc.property(fc.constantFrom(...names), value, (name, text) => {
      expectReadable(() => parseConfig('', 'file', { [`PARALLAMA_${name}`]: text }));
    }),
    500,
  );
});
