/** What is typed, and what is written for spreadsheets. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readArguments } from '../../src/cli/arguments.js';
import { COMMANDS, nameOf } from '../../src/cli/commands.js';
import { csvLine } from '../../src/cli/csv.js';
import { readSpan } from '../../src/cli/dates.js';
import { UsageError } from '../../src/cli/errors.js';
import { check } from './support/runs.js';

const OPTIONS = [...new Set(COMMANDS.flatMap(({ options }) => Object.keys(options)))];

const word = fc.oneof(
  fc.constantFrom(...COMMANDS.flatMap((command) => nameOf(command).split(' '))),
  fc.constantFrom(...OPTIONS).map((name) => `--${name}`),
  fc.tuple(fc.constantFrom(...OPTIONS), fc.string()).map(([name, value]) => `--${name}=${value}`),
  fc.constantFrom(
    '--',
    '-',
    '-h',
    '-v',
    '--help',
    '--version',
    '-hv',
    '--no-json',
    '--__proto__',
    '--constructor=1',
  ),
  fc.constantFrom('', ' ', '007', '-1', 'a=b', '--=', '---', '--json=true', 'toString', '\u0000', 'é'),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const typed = fc
  .tuple(
    fc.constantFrom([], ...COMMANDS.map((command) => nameOf(command).split(' '))),
    fc.array(word, { maxLength: 5 }),
  )
  .map(([name, rest]) => [...name, ...rest]);

test('whatever is typed is a command, or its mistake is said', () => {
  check(
    fc.property(typed, (argv) => {
      try {
        expect(['run', 'help', 'version']).toContain(readArguments(argv).does);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        expect((error as UsageError).message).not.toBe('');
      }
    }),
    2_000,
  );
});

const invocation = (values: object) => ({
  args: [],
  flags: new Set<string>(),
  lists: { 'model-mapping': [], 'remove-mapping': [] },
  values,
});

test('a span of days holds each of them, and no others', () => {
  const day = fc
    .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10));
  check(
    fc.property(day, day, fc.integer({ min: 0, max: 23 }), (one, other, hour) => {
      const [start, end] = [one, other].sort() as [string, string];
      const { span } = readSpan(invocation({ 'start-date': start, 'end-date': end }), {});
      const at = (date: string) => `${date}T${String(hour).padStart(2, '0')}`;
      for (const date of [start, end]) expect(at(date) >= span.from && at(date) < span.to).toBe(true);
      if (start < end)
        expect(() => readSpan(invocation({ 'start-date': end, 'end-date': start }), {})).toThrow(UsageError);
    }),
    1_000,
  );
});

test('what is no day is said to be none', () => {
  const nearly = fc
    .tuple(fc.nat(12_000), fc.nat(14), fc.nat(33), fc.constantFrom('', ' ', 'T00', 'Z', '\n'))
    .map(([year, month, day, more]) => `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}${more}`);
  check(
    fc.property(fc.oneof(nearly, fc.string()), (text) => {
      const exists = /^\d{4}-\d\d-\d\d$/.test(text) && new Date(text).toJSON()?.startsWith(text);
      const read = () => readSpan(invocation({ 'end-date': text }), { now: 0 });
      if (!exists) expect(read).toThrow(UsageError);
    }),
    1_000,
  );
});

const pad = (value: number, length: number) => String(value).padStart(length, '0');

/** RFC 4180, one record. */
function readCsv(line: string): string[] {
  const cells = `,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^",\r\n]*))(?=,|$)/gy);
  return [...cells].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}

test('a line of CSV is read as it was written, and runs no formula', () => {
  const cell = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 10 }),
    fc
      .array(fc.constantFrom('"', ',', '\n', '\r', '=', '+', '-', '@', '\t', "'", 'a'))
      .map((parts) => parts.join('')),
    fc.integer(),
    fc.constant(null),
  );
  check(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 5 }), (cells) => {
      const read = readCsv(csvLine(cells));
      expect(read).toEqual(
        cells.map((one) =>
          typeof one === 'string' && /^[=+\-@\t\r]/.test(one) ? `'${one}` : String(one ?? ''),
        ),
      );
    }),
    1_000,
  );
});
