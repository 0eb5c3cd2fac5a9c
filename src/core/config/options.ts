/** The options of `createGateway`, held against what it knows: a wrong one is an error as a wrong key in the file is. */
import { z } from 'zod';
import { ConfigError, problemsOf } from './problems.js';
import { flag, section } from './values.js';

/** A value that is checked where it is used, once it is of the right kind at all. */
const kind = (fits: (value: unknown) => boolean, what: string) =>
  z.custom((value) => value === undefined || fits(value), { error: `is not allowed; expected ${what}` });

const isFunction = (value: unknown) => typeof value === 'function';
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

const optionsSchema = section({
  config: kind(
    (value) => isObject(value) || (typeof value === 'string' && value !== ''),
    "the path of a configuration file, or an object of the file's shape",
  ).optional(),
  store: kind(
    (value) => isObject(value) || (typeof value === 'string' && value !== ''),
    'a text such as sqlite:./parallama.db, a Keyv or a Store',
  ).optional(),
  authenticate: kind(isFunction, 'a function that gives an identity for a request').optional(),
  accounts: flag().optional(),
  beforeForward: kind(isFunction, 'a function').optional(),
  logger: kind(
    (value) => isObject(value) && isFunction((value as { child?: unknown }).child),
    'a pino logger, or one like it',
  ).optional(),
}).superRefine(({ accounts, authenticate }, context) => {
  if (accounts !== false || authenticate) return;
  const message = 'is false, so that nobody could sign in; expected authenticate beside it';
  context.addIssue({ code: 'custom', path: ['accounts'], message });
});

/** @throws ConfigError that names each option that is wrong, and the one that was probably meant */
export function checkOptions(options: unknown): void {
  const result = optionsSchema.safeParse(options, { jitless: true });
  if (result.success) return;
  throw new ConfigError(
    problemsOf(result.error.issues, options, () => undefined),
    'createGateway',
  );
}
