/** What is wrong with a configuration, in words to act on. No text is repeated: it may be a secret. */
import type { z } from 'zod';
import { nearest } from './nearest.js';

export interface Problem {
  /** `server.port`, `roles.basic.gateways[0]`; empty where the whole is meant. */
  key: string;
  /** From 1; absent where there is no file. */
  line?: number;
  /** What is wrong, and what was expected. */
  message: string;
  /** Where the value came from, if not from the file: an environment variable. */
  source?: string;
}

/** Its message has a line `FILE:LINE: key: what is wrong; expected ...` for each problem. */
export class ConfigError extends Error {
  readonly problems: Problem[];

  /** @param source the file, or another name for where the configuration came from */
  constructor(problems: Problem[], source: string, options?: { cause?: unknown }) {
    super(problems.map((problem) => describe(problem, source)).join('\n'), options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

function describe({ key, line, message, ...problem }: Problem, file: string): string {
  const source = problem.source ?? file;
  const place = line === undefined ? source : `${source}:${line}`;
  return key === '' ? `${place}: ${message}` : `${place}: ${key}: ${message}`;
}

export type Path = readonly PropertyKey[];

export const keyOf = (path: Path) =>
  path.reduce<string>(
    (key, part) =>
      typeof part === 'number' ? `${key}[${part}]` : key === '' ? String(part) : `${key}.${String(part)}`,
    '',
  );

/** The schema's issues as problems, in the order of their lines. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  lineOf: (path: Path) => number | undefined,
  variableFor: (key: string) => string | undefined = () => undefined,
): Problem[] {
  const problems = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          path: [...issue.path, key],
          message: unknownKey(key, issue.message.split(', ')),
        }))
      : [{ path: issue.path, message: explain(issue, valueAt(value, issue.path)) }],
  );
  return problems
    .map(({ path, message }) => {
      const source = variableFor(keyOf(path));
      return {
        key: keyOf(path),
        line: source ? undefined : lineOf(path),
        message,
        ...(source && { source }),
      };
    })
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

/** @param known the keys of the section, which the schema gives as its message */
function unknownKey(key: string, known: string[]): string {
  return `is not a known key; expected one of ${known.join(', ')}${suggestion(key, known)}`;
}

function explain(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'custom') return issue.message;
  const known = issue.code === 'invalid_value' && typeof value === 'string' ? issue.values.map(String) : [];
  return `${wrong(issue, value)}; expected ${issue.message}${suggestion(value, known)}`;
}

function wrong(issue: z.core.$ZodIssue, value: unknown): string {
  if (typeof value === 'string') {
    if (value.trim() === '') return 'is empty';
    return issue.code === 'invalid_type' ? 'is text' : 'is not allowed';
  }
  // A number where text belongs may be a secret without its quotes.
  const secret = issue.code === 'invalid_type' && issue.expected === 'string';
  return typeof value === 'number' && !secret ? `is ${value}` : `is ${nameOf(value)}`;
}

function nameOf(value: unknown): string {
  if (value === undefined) return 'without a value';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return (
    { object: 'a section', boolean: 'true or false', number: 'a number' }[typeof value as string] ??
    typeof value
  );
}

function suggestion(name: unknown, known: string[]): string {
  const meant = typeof name === 'string' ? nearest(name, known) : undefined;
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}

const valueAt = (value: unknown, path: Path) =>
  path.reduce<unknown>((inner, part) => (inner as Record<PropertyKey, unknown> | undefined)?.[part], value);
