/** The five logs: a JSON object a line, in files, on standard output, or in a host app's logger. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DestinationStream, type LoggerOptions, pino, stdSerializers } from 'pino';
import type { LoggingConfig } from '../config.js';
import { type Backlog, createBacklog } from './backlog.js';
import { createRedact } from './redact.js';
import { openRotatingFile, type RotatingFile } from './rotating-file.js';

export const LOG_NAMES = ['api', 'gateway', 'usage', 'auth', 'error'] as const;
export type LogName = (typeof LOG_NAMES)[number];

/** Fields first, then what happened. An error goes under `err`. */
export interface Log {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

export interface Logs extends Record<LogName, Log> {
  /** What people should know about where the logs go. */
  readonly notices: string[];
  /** Opens the files again, after logrotate or the like has moved them. */
  reopen(): void;
  /** Writes what is left. Lines that come after it are dropped. */
  close(): Promise<void>;
}

/** The part of a pino logger, or of one like it, that is needed to log into it. */
export interface HostLogger extends Log {
  child(bindings: Record<string, unknown>): Log;
}

/**
 * Logs into `api.log`, `gateway.log`, `usage.log`, `auth.log` and `error.log` of the configured directory; an
 * error in any of them is in `error.log` too. Where the directory cannot be made or written, one notice says
 * so and every line goes to standard output. Its field `log` says which log a line belongs to.
 * @param options.stdout instead of the process's own
 */
export function createLogs(
  config: LoggingConfig,
  { stdout = process.stdout }: { stdout?: DestinationStream } = {},
): Logs {
  const notices: string[] = [];
  const clock = createClock();
  const backlog = createBacklog<Line>(({ log, level, fields, message, at }) =>
    clock.within(at, () => log[level](fields, message)),
  );
  const say = (name: LogName, error: unknown) =>
    logger(name, config, stdout, clock).warn(
      { err: error },
      'The log cannot be written as it should; lines may be lost.',
    );
  const files = openFiles(config, say, (error) => {
    notices.push(`Logs go to standard output: ${config.directory} cannot be written (${codeOf(error)}).`);
  });
  const opened = files ? Object.values(files) : [];

  return {
    ...eachLog((name) =>
      gathered(guarded(logger(name, config, files ? intoFile(files, name) : stdout, clock)), backlog),
    ),
    notices,
    reopen() {
      backlog.drain();
      for (const file of opened) file.reopen();
    },
    async close() {
      backlog.drain();
      for (const file of opened) file.close();
    },
  };
}

/** All five as children of a host app's logger, told apart by the field `log`. Level and place are up to it. */
export function logsFrom(logger: HostLogger): Logs {
  return {
    ...eachLog((name) => guarded(logger.child({ log: name }))),
    notices: [],
    reopen() {},
    async close() {},
  };
}

type Files = Record<LogName, RotatingFile>;

function openFiles(
  config: LoggingConfig,
  onTrouble: (name: LogName, error: unknown) => void,
  onFailure: (error: unknown) => void,
): Files | undefined {
  const opened: RotatingFile[] = [];
  try {
    mkdirSync(config.directory, { recursive: true });
    return eachLog((name) => {
      const file = openRotatingFile(join(config.directory, `${name}.log`), {
        maxSize: config.max_size,
        maxFiles: config.max_files,
        onTrouble: (error) => onTrouble(name, error),
      });
      opened.push(file);
      return file;
    });
  } catch (error) {
    for (const file of opened) file.close();
    onFailure(error);
    return undefined;
  }
}

interface Line {
  log: Log;
  level: 'debug' | 'info';
  fields: object;
  message: string | undefined;
  /** Milliseconds since 1970. */
  at: number;
}

/** Lines about what goes well wait for each other; one about trouble is written at once, after those before it. */
function gathered(log: Log, backlog: Backlog<Line>): Log {
  const later = (level: Line['level']) => (fields: object, message?: string) =>
    backlog.add({ log, level, fields, message, at: Date.now() });
  const now = (level: 'warn' | 'error') => (fields: object, message?: string) => {
    backlog.drain();
    log[level](fields, message);
  };
  return { debug: later('debug'), info: later('info'), warn: now('warn'), error: now('error') };
}

interface Clock {
  /** What is written within `work` bears the time `at`, in milliseconds since 1970. */
  within(at: number, work: () => void): void;
  /** As pino puts it into a line. */
  field(): string;
}

function createClock(): Clock {
  let set: number | undefined;
  let known = { at: Number.NaN, field: '' };
  return {
    within(at, work) {
      set = at;
      work();
      set = undefined;
    },
    field() {
      const at = set ?? Date.now();
      if (at !== known.at) known = { at, field: `,"time":"${new Date(at).toISOString()}"` };
      return known.field;
    },
  };
}

function logger(name: LogName, { level }: LoggingConfig, destination: DestinationStream, clock: Clock): Log {
  const redact = createRedact();
  const options: LoggerOptions = {
    level,
    base: { pid: process.pid, log: name },
    timestamp: clock.field,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: (error: Error) => redact({ ...stdSerializers.err(error) }) },
  };
  return pino(options, destination);
}

function intoFile(files: Files, name: LogName): DestinationStream {
  const destination = {
    // Asks pino to leave each line's level in `lastLevel`.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string) {
      files[name].write(line);
      if (destination.lastLevel < pino.levels.values.error!) return;
      if (name !== 'error') files.error.write(line);
      // The process may be about to end of it.
      files[name].flush();
      files.error.flush();
    },
  };
  return destination;
}

function guarded(log: Log): Log {
  const redact = createRedact();
  return {
    debug: (fields, message) => log.debug(redact(fields), message),
    info: (fields, message) => log.info(redact(fields), message),
    warn: (fields, message) => log.warn(redact(fields), message),
    error: (fields, message) => log.error(redact(fields), message),
  };
}

const eachLog = <T>(make: (name: LogName) => T): Record<LogName, T> => ({
  api: make('api'),
  gateway: make('gateway'),
  usage: make('usage'),
  auth: make('auth'),
  error: make('error'),
});

const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);
