/** Environment variables that beat the configuration file: `PARALLAMA_SERVER_PORT=8080`. */
import { parse } from 'yaml';
import { type Leaf, leaves } from './leaves.js';
import { nearest } from './nearest.js';
import { ConfigError, keyOf } from './problems.js';
import { configSchema } from './schema.js';

export interface Overridden {
  /** The file's value with what the environment says in its place. */
  value: unknown;
  /** The variable that a key's value came from. */
  variableFor(key: string): string | undefined;
}

/**
 * @param value as the file has it; not changed
 * @throws ConfigError for a variable that begins like one of ours and is none
 */
export function withEnvironment(value: unknown, env: Record<string, string | undefined>): Overridden {
  const given = Object.entries(env).filter(([name, text]) => ours(name) && text);
  if (given.length === 0 || !isSection(value)) return { value, variableFor: () => undefined };
  const known = leaves();
  const result = structuredClone(value);
  const variables = new Map<string, string>();
  for (const [name, text] of given) {
    const leaf = known.find(({ variable }) => variable === name);
    if (!leaf) throw unknownVariable(name, known);
    if (!setAt(result, leaf.path, textValue(leaf, text ?? ''))) continue;
    variables.set(keyOf(leaf.path), name);
  }
  return {
    value: result,
    // A problem may lie within a list or section that one variable gave.
    variableFor: (key) =>
      [...variables].find(([own]) => `${key}.`.replace('[', '.').startsWith(`${own}.`))?.[1],
  };
}

const SECTIONS = Object.keys(configSchema.shape).map((name) => `PARALLAMA_${name.toUpperCase()}`);
const ours = (name: string) => SECTIONS.some((section) => name === section || name.startsWith(`${section}_`));

/** The text itself where a text belongs; else what YAML makes of it: numbers, true and false, lists, sections. */
function textValue({ schema }: Leaf, text: string): unknown {
  if (schema.safeParse(text, { jitless: true }).success) return text;
  try {
    // Its warnings would repeat the value.
    return parse(text, { logLevel: 'error' });
  } catch {
    return text;
  }
}

/** False where the file has no section there: the check of the whole says so. */
function setAt(root: Record<string, unknown>, path: string[], value: unknown): boolean {
  let section = root;
  for (const key of path.slice(0, -1)) {
    section[key] ??= {};
    const next = section[key];
    if (!isSection(next)) return false;
    section = next;
  }
  section[path.at(-1)!] = value;
  return true;
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownVariable(name: string, known: Leaf[]): ConfigError {
  const meant = nearest(
    name,
    known.map(({ variable }) => variable),
  );
  const message = `is no variable of Parallama's${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
  return new ConfigError([{ key: '', message }], name);
}
