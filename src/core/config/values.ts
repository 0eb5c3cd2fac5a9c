/**
 * The kinds of values a configuration has. Each says what it expects in the words of its error messages:
 * `problems.ts` puts what is wrong before them.
 */
import { z } from 'zod';

const UNITS = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 } as const;
const SIZE = /^(\d+(?:\.\d+)?) ?(b|kb|mb|gb)$/i;

export const flag = () => z.boolean('true or false');

export const matching = (pattern: RegExp, what: string) => z.string(what).regex(pattern, what);

/** A text that is not blank. */
export const text = (what: string) => matching(/\S/, what);

export const wholeNumber = (what: string, least: number, most = Number.MAX_SAFE_INTEGER) =>
  z.int(what).min(least, what).max(most, what);

export const seconds = (least = 1) => wholeNumber(`a whole number of seconds, ${least} or more`, least);

/** Seconds that a timer waits: up to a day, as timers of more than 24 days end at once. */
export const timeout = (least = 1) =>
  wholeNumber(`a whole number of seconds from ${least} to 86400`, least, 86_400);

/** A number of bytes, or a text such as `32mb` (1 kb is 1024 bytes). Becomes bytes. */
export const bytes = () => {
  const what = 'a size such as 32mb or 512kb, or a whole number of bytes';
  const size = z.string(what).regex(SIZE, what).transform(bytesIn).pipe(wholeNumber(what, 1));
  return z.union([wholeNumber(what, 1), size], what);
};

/** `null` and `unlimited` become null. */
export const limit = () => {
  const what = 'a whole number, 0 or more, or unlimited';
  const unlimited = z.literal('unlimited', what).transform(() => null);
  return z.union([wholeNumber(what, 0), z.null(what), unlimited], what);
};

export const listOf = <T extends z.ZodType>(item: T, what: string) => z.array(item, what);

/** A section with these keys and no others. */
export function section<T extends z.ZodRawShape>(shape: T) {
  const keys = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? keys : `a section of ${keys}`),
  });
}

function bytesIn(size: string): number {
  const [, count, unit] = SIZE.exec(size)!;
  return Math.round(Number(count) * UNITS[unit!.toLowerCase() as keyof typeof UNITS]);
}
