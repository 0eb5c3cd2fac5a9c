/**
 * The schema of the configuration, with its defaults. Key names are those of the file; once checked, sizes
 * are bytes, durations seconds, and a limit that is null is unlimited.
 */
import { z } from 'zod';
import { sqlitePath } from '../store/sqlite-path.js';
import { gatewayList, gatewaysSchema } from './gateways.js';
import { hostName, listenAddress, origin, trustProxy } from './network.js';
import {
  bytes,
  flag,
  limit,
  listOf,
  matching,
  seconds,
  section,
  text,
  timeout,
  wholeNumber,
} from './values.js';

export type { ModelOptions } from './model-options.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const REGISTRATION = ['open', 'closed', 'invite'] as const;
const STORE_URL = /^(?:memory:|sqlite:.+|(?:rediss?|postgres|postgresql):\/\/.+)$/;

const serverSchema = section({
  host: listenAddress().default('127.0.0.1'),
  /** Who may connect where the host is a Unix socket, as for chmod. */
  socket_mode: matching(/^[0-7]{3}$/, 'a mode in quotes, such as "660"').default('660'),
  /** 0 takes any free port. */
  port: wholeNumber('a port from 0 to 65535', 0, 65_535).default(8_000),
  workers: wholeNumber('a number of processes from 1 to 256', 1, 256).default(1),
  /** Bytes. */
  body_limit: bytes().default(32 * 2 ** 20),
  /** Seconds that a client has to send a body, and for which it may leave an answer unread. */
  client_timeout: timeout().default(300),
  /** Which proxies' word is taken for the client's address, in X-Forwarded-For. */
  trust_proxy: trustProxy().default(false),
  /** Names accepted in `Host` beside those of loopback. If the list has a name, all other names are refused on every address. */
  allowed_hosts: listOf(hostName(), 'a list of names such as ai.example.com').default([]),
  /** Connections at a time, in each process. */
  max_connections: wholeNumber('a number of connections, 1 or more', 1, 1_000_000).default(10_000),
  /** Of those, from one address; not counted for loopback and trusted proxies, which stand for many. */
  max_connections_per_address: wholeNumber('a number of connections, 1 or more', 1, 1_000_000).default(1_000),
  /** Seconds that a connection without a request stays open. */
  keep_alive_timeout: timeout().default(75),
  /** Seconds after SIGTERM in which all is answered as before, but for /readyz. */
  drain_delay: timeout(0).default(0),
  /** Seconds that running requests have to end after that. */
  shutdown_timeout: timeout().default(30),
  /** Seconds of silence after which an event stream gets a comment, so that nobody takes it for dead; 0 for none. */
  heartbeat: timeout(0).default(15),
  cors: section({
    /** Whose pages may call the gateway from a browser; none where empty. */
    origins: listOf(
      origin(),
      'a list of origins such as https://app.example.com or app://obsidian.md, or *',
    ).default([]),
  }).prefault({}),
});

const storeUrl = () => {
  const what = 'sqlite:FILE, redis://HOST, postgres://HOST/DATABASE or memory:';
  // An address may hold a password: no message repeats it.
  const readable = (url: string) => STORE_URL.test(url) && (!url.includes('://') || URL.canParse(url));
  const error = `is not the address of a store; expected ${what}`;
  return z
    .string(what)
    .refine(readable, { error, abort: true })
    .refine(namesOneFile, {
      error:
        'does not say clearly which file it is; ' +
        'expected sqlite:./FILE for one in the working directory, or sqlite:/ABSOLUTE/FILE',
    });
};

function namesOneFile(url: string): boolean {
  try {
    sqlitePath(url);
    return true;
  } catch {
    return false;
  }
}

const storeSchema = section({
  url: storeUrl().default('sqlite:./parallama.db'),
  /** A file with the password of a Redis or PostgreSQL whose address has none. */
  password_file: text('the path of a file').optional(),
  /** Keeps usage that could not be written; beside the SQLite file or the configuration where absent. */
  journal_directory: text('the path of a directory').optional(),
});

const usageSchema = section({
  /** At least as long as limits and late settlements look back. */
  retention_days: wholeNumber('a number of days from 8 to 36500', 8, 36_500).default(400),
});

const authSchema = section({
  registration: z.enum(REGISTRATION, `one of ${REGISTRATION.join(', ')}`).default('open'),
  /** Any of these lets a new user in where registration is `invite`. */
  invitations: listOf(text('a text (in quotes, where it is a number)'), 'a list of texts').default([]),
  /** Beside the SQLite file or the configuration where absent. */
  jwt_secret_file: text('the path of a file').optional(),
  /** Seconds. */
  access_token_ttl: seconds().default(1_800),
  /** Seconds. */
  refresh_token_ttl: seconds().default(2_592_000),
  refresh_rotation: flag().default(true),
  /** Argon2id; the defaults are OWASP's. */
  password_hashing: section({
    memory_kib: wholeNumber('a whole number of KiB from 1024 to 4194304', 1_024, 4_194_304).default(19_456),
    iterations: wholeNumber('a whole number from 1 to 100', 1, 100).default(2),
    parallelism: wholeNumber('a whole number from 1 to 64', 1, 64).default(1),
  }).prefault({}),
  api_key_prefix: matching(
    /^(?!rt_)[A-Za-z0-9_]{1,32}$/,
    'up to 32 letters, digits or _, not beginning with rt_',
  ).default('pk_live_'),
}).superRefine(({ registration, invitations }, context) => {
  if (registration !== 'invite' || invitations.length > 0) return;
  const message = 'is empty; expected at least one invitation where registration is invite';
  context.addIssue({ code: 'custom', path: ['invitations'], message });
});

const limitsOf = () =>
  section({
    token_limit_daily: limit().optional(),
    token_limit_hourly: limit().optional(),
    request_limit_daily: limit().optional(),
    request_limit_hourly: limit().optional(),
  });

/** Templates by role and gateway. An option that is absent, in a template that is there, is unlimited. */
const limitsSchema = section({
  roles: z
    .record(
      z.string(),
      section({ ollama: limitsOf().optional(), openai: limitsOf().optional() }).prefault({}),
      'role names with their limits',
    )
    .prefault({}),
});

/**
 * What is absent is as in the built-in role of that name; other roles have both gateways and all models, and
 * do not manage them.
 */
const roleSchema = section({
  gateways: gatewayList().optional(),
  /** Names, or `*` for all. */
  models: listOf(text('the name of a model, or *'), 'a list of models').optional(),
  manage_models: flag().optional(),
});

const loggingSchema = section({
  directory: text('the path of a directory').default('/var/log/parallama'),
  level: z.enum(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`).default('info'),
  /** Bytes of one file. */
  max_size: bytes().default(10 * 2 ** 20),
  /** Files of one log, the one being written included. */
  max_files: wholeNumber('a whole number, 1 or more', 1).default(10),
});

const metricsSchema = section({
  enabled: flag().default(true),
  /** Where there is one, `/metrics` wants it as Bearer. */
  token: text('a text (in quotes, where it is a number)').optional(),
  /** Without a token, other machines may read them too. */
  public: flag().default(false),
});

export const configSchema = section({
  api_gateways: gatewaysSchema.prefault({}),
  server: serverSchema.prefault({}),
  store: storeSchema.prefault({}),
  usage: usageSchema.prefault({}),
  auth: authSchema.prefault({}),
  limits: limitsSchema.prefault({}),
  roles: z.record(z.string(), roleSchema.prefault({}), 'role names with their rights').prefault({}),
  logging: loggingSchema.prefault({}),
  metrics: metricsSchema.prefault({}),
});

/** A configuration as checked: complete, with every default filled in. */
export type Config = z.output<typeof configSchema>;
/** A configuration as people write it: everything may be left out. */
export type ConfigInput = z.input<typeof configSchema>;

export type StoreConfig = Config['store'];
export type AuthConfig = Config['auth'];
export type LoggingConfig = Config['logging'];
