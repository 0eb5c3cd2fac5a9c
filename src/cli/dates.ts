/** `--start-date` and `--end-date`: UTC calendar days, both included. */
import type { Span } from '../core/usage/report.js';
import type { Invocation, ValueOption } from './command.js';
import { UsageError } from './errors.js';

const DAY = 86_400_000;

/**
 * @param options.days how many days, today included, where no start is given; the whole history where undefined
 * @throws UsageError for a date that does not exist, and for an end before the start
 */
export function readSpan(
  { values }: Invocation,
  { days, now = Date.now() }: { days?: number; now?: number },
): { start: string; end: string; span: Pick<Span, 'from' | 'to'> } {
  const end = readDate('end-date', values['end-date']) ?? dayOf(now);
  const first = days === undefined ? BEGINNING : dayOf(Date.parse(end) - (days - 1) * DAY);
  const start = readDate('start-date', values['start-date']) ?? first;
  if (start > end) throw new UsageError(`The start, ${start}, is after the end, ${end}.`);
  return { start, end, span: { from: `${start}T00`, to: `${end}T24` } };
}

/** Before the first release. */
const BEGINNING = '2025-01-01';

const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);

function readDate(option: ValueOption, given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d$/.test(given) ? Date.parse(given) : Number.NaN;
  // 2026-02-30 is read as a day in March.
  if (!Number.isNaN(time) && dayOf(time) === given) return given;
  throw new UsageError(`Option "--${option}" is "${given}"; expected a date such as 2026-11-23.`);
}
