/**
 * The configuration: where it is looked for, and how it is read and checked. Its keys and defaults stand in
 * `config/schema.ts`.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { withEnvironment } from './config/environment.js';
import { ConfigError, type Path, problemsOf } from './config/problems.js';
import { type Config, configSchema } from './config/schema.js';
import { readYaml } from './config/yaml.js';

export { nativeBasePath } from './config/gateways.js';
export { ConfigError, type Problem } from './config/problems.js';
export * from './config/schema.js';

/** Looked for in the working directory. */
export const LOCAL_FILE = 'parallama.yaml';
export const SYSTEM_FILE = '/etc/parallama/config.yaml';

export interface LoadedConfig {
  config: Config;
  /** Absolute path of the file; undefined where the defaults hold. */
  source: string | undefined;
}

export interface LoadOptions {
  /** Must exist. */
  file?: string;
  /** `PARALLAMA_CONFIG` in it names a file that must exist; `PARALLAMA_SERVER_PORT` and the like beat the file. */
  env?: Record<string, string | undefined>;
  cwd?: string;
}

/**
 * Loads the file that is named, else the one in `PARALLAMA_CONFIG`, else `./parallama.yaml`, else
 * `/etc/parallama/config.yaml`, else the defaults. Environment variables beat the file, key by key.
 * @throws ConfigError with every problem there is
 */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const { file, env = process.env, cwd = process.cwd() } = options;
  const named = file ?? (env.PARALLAMA_CONFIG || undefined);
  const places = named === undefined ? [LOCAL_FILE, SYSTEM_FILE] : [named];
  for (const place of places) {
    const source = resolve(cwd, place);
    const text = await readText(source, { mustExist: named !== undefined });
    if (text !== undefined) return { config: parseConfig(text, source, env), source };
  }
  return { config: check({}, 'config', () => undefined, env), source: undefined };
}

/**
 * Reads YAML. An empty text is the defaults.
 * @param source what messages call it
 * @param env variables in it beat the text
 * @throws ConfigError
 */
export function parseConfig(
  text: string,
  source: string,
  env: Record<string, string | undefined> = {},
): Config {
  const { value, lineOf, problems } = readYaml(text);
  if (problems.length > 0) throw new ConfigError(problems, source);
  return check(value, source, lineOf, env);
}

/**
 * Checks an object of the file's shape.
 * @throws ConfigError
 */
export function checkConfig(value: object): Config {
  return check(value, 'config', () => undefined, {});
}

function check(
  given: unknown,
  source: string,
  lineOf: (path: Path) => number | undefined,
  env: Record<string, string | undefined>,
): Config {
  const { value, variableFor } = withEnvironment(given, env);
  // Compiling the schema pays when it is used often; this runs once, while a command starts.
  const result = configSchema.safeParse(value, { jitless: true });
  if (result.success) return result.data;
  throw new ConfigError(problemsOf(result.error.issues, value, lineOf, variableFor), source);
}

async function readText(path: string, { mustExist }: { mustExist: boolean }): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT' && !mustExist) return undefined;
    throw new ConfigError([{ key: '', message: UNREADABLE[code] ?? `cannot be read (${code})` }], path, {
      cause: error,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError([{ key: '', message: 'is not text; expected YAML in UTF-8' }], path, {
      cause: error,
    });
  }
}

const UNREADABLE: Record<string, string> = {
  ENOENT: 'there is no such file; expected a configuration in YAML',
  ENOTDIR: 'there is no such file; expected a configuration in YAML',
  EISDIR: 'is a directory; expected a file',
  EACCES: 'may not be read; expected a file that this user can read',
};
