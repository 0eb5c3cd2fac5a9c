import { expect, test } from 'vitest';
import { readSpan } from '../../src/cli/dates.js';

const now = Date.parse('2026-11-23T04:05:06Z');
const span = (values: object, days?: number) =>
  readSpan(
    { args: [], flags: new Set(), lists: { 'model-mapping': [], 'remove-mapping': [] }, values },
    { days, now },
  );

test('the last days, today included', () => {
  expect(span({}, 30).span).toEqual({ from: '2026-10-25T00', to: '2026-11-23T24' });
  expect(span({}, 1).span).toEqual({ from: '2026-11-23T00', to: '2026-11-23T24' });
});

test('the last day is included, over the end of a month and of a leap year', () => {
  expect(span({ 'start-date': '2028-02-29', 'end-date': '2028-02-29' }).span).toEqual({
    from: '2028-02-29T00',
    to: '2028-02-29T24',
  });
});

test('there is a last day of all days', () => {
  expect(span({ 'end-date': '9999-12-31' }).span.to).toBe('9999-12-31T24');
});

test('days count back from the end that is given', () => {
  expect(span({ 'end-date': '2026-01-02' }, 30).start).toBe('2025-12-04');
});

test.each(['2026-02-30', '2026-13-01', '26-11-01', '2026-11-1', '2026-11-01T00', 'yesterday'])(
  '%s',
  (date) => {
    expect(() => span({ 'start-date': date })).toThrow(
      `Option "--start-date" is "${date}"; expected a date such as 2026-11-23.`,
    );
  },
);

test('an end before the start', () => {
  expect(() => span({ 'start-date': '2026-11-02', 'end-date': '2026-11-01' })).toThrow('is after the end');
});
