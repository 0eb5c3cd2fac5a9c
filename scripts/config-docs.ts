/** docs/configuration.md: keys, types, defaults and variables from the schema, and what each key is for. */
import { leaves } from '../src/core/config/leaves.js';
import { checkConfig } from '../src/core/config.js';
import { BUILT_IN_LIMITS } from '../src/core/limits/templates.js';
import { LIMIT_OPTIONS } from '../src/core/limits/types.js';

/** What a key is for. A test holds this against the schema: none is missing, none is left over. */
const WORDS: Record<string, string> = {
  'api_gateways.enabled': 'Gateways that there are. One that is not named answers 404.',
  'api_gateways.discovery.enabled': 'Whether `GET /` tells what there is.',
  'api_gateways.discovery.cache_ttl': 'Seconds for which `/` and the model lists may be remembered.',
  'api_gateways.ollama.host': 'Where Ollama is.',
  'api_gateways.ollama.port': 'Its port.',
  'api_gateways.ollama.base_path': 'Path of the simple dialect; native Ollama is beside it (`/ollama/api`).',
  'api_gateways.ollama.default_model': 'For requests that name no model, on every endpoint.',
  'api_gateways.ollama.model_mappings': "Clients' names for models, and what they stand for.",
  'api_gateways.ollama.model_options':
    "By the client's name for a model, what Ollama is asked with where a request does not say: `options`, `think`, " +
    '`keep_alive`; and `truncate: false`, to refuse prompts that are too long.',
  'api_gateways.ollama.max_num_ctx':
    'Tokens. The largest `num_ctx` for roles that do not manage models; a larger one is cut to this.',
  'api_gateways.ollama.keep_alive_max':
    'Seconds. The longest `keep_alive` for roles that do not manage models; a longer one is cut to this.',
  'api_gateways.ollama.connect_timeout': 'Seconds to connect to Ollama.',
  'api_gateways.ollama.first_byte_timeout':
    'Seconds until an answer begins, with the loading of the model; 0 waits for ever.',
  'api_gateways.ollama.stall_timeout':
    'Seconds, for each 4 KB of a request, until a loaded model that answers nothing is unloaded and asked again; 0 never does so.',
  'api_gateways.openai.base_path': "Path of OpenAI's dialect.",
  'api_gateways.openai.default_model':
    'For requests that name no model; where it is absent, that of the gateway `ollama`.',
  'api_gateways.openai.model_mappings': "Clients' names for models, and what they stand for.",
  'api_gateways.openai.model_options': 'The same on this gateway: `gpt-4: { options: { num_ctx: 8192 } }`.',
  'server.host':
    'Address to listen on, or the path of a Unix socket (`unix:/run/parallama/parallama.sock`), for a proxy on the same ' +
    'machine. `0.0.0.0` is every address of the machine.',
  'server.socket_mode': 'Who may connect to a Unix socket: `660` is its user and its group.',
  'server.port': 'Port to listen on; 0 takes any that is free.',
  'server.workers': 'Processes that serve; more than one for each core does not help.',
  'server.body_limit': 'Largest body of a request, in bytes or as `32mb`.',
  'server.client_timeout':
    'Seconds that a client has to send the body of a request (uploads of models have all the time that they use), and ' +
    'for which it may leave an answer unread; then its connection is closed.',
  'server.trust_proxy':
    "Which proxies' word is taken for the client's address, in `X-Forwarded-For`; the meanings are Express's. " +
    'A number: there are that many proxies in a row. A list: those with these addresses, be it networks or the names ' +
    '`loopback`, `linklocal` and `uniquelocal`. `true`: all, so that the left-most address counts, which a client can ' +
    'write itself unless the outermost proxy replaces the header: prefer a number. `false`: none.',
  'server.allowed_hosts':
    'Names that the server has beside `localhost` and loopback addresses. On a loopback address, requests with another ' +
    'name in `Host` are refused, so that no page can make its own name lead there; a proxy on the same machine that ' +
    'passes its `Host` on needs its name here, or `server.trust_proxy`. Where there are names, they hold on every ' +
    'address. `*` is any name.',
  'server.max_connections': 'Connections at a time, in each process; more are closed at once.',
  'server.max_connections_per_address':
    'Connections at a time from one address (of IPv6: from one /64). Loopback and trusted proxies stand for many, and ' +
    'have no bound of their own.',
  'server.keep_alive_timeout':
    'Seconds that a connection without a request stays open: longer than a proxy in front keeps its own, so that none is ' +
    'closed just as it is used.',
  'server.drain_delay':
    'Seconds after SIGTERM in which `/readyz` is 503 and all else is answered as before, so that load balancers send ' +
    'nothing more before the port closes. The service manager has to wait longer than this and `shutdown_timeout`.',
  'server.shutdown_timeout': 'Seconds that running requests have to end after SIGTERM and `drain_delay`.',
  'server.heartbeat': 'Seconds of silence after which an event stream gets a comment; 0 for none.',
  'server.cors.origins':
    'Whose pages may call the gateway from a browser. Apps and extensions have origins, too (`app://obsidian.md`), and ' +
    '`*` stands for a name that is another on each machine (`moz-extension://*`), or for any port.',
  'store.url': 'The store that servers and the command line share.',
  'store.password_file':
    'A file with the password of a Redis or PostgreSQL whose address has none. ' +
    'Where absent, `db_password` beside the configuration, if there is one.',
  'store.journal_directory':
    'Keeps usage that could not be written, until it can be. Where absent, beside the SQLite file or the configuration.',
  'usage.retention_days': 'Days for which the usage history is kept.',
  'auth.registration': 'Who may register: everybody, nobody, or those with an invitation.',
  'auth.invitations': 'Any of these lets a new user in where registration is `invite`.',
  'auth.jwt_secret_file':
    'Signs access tokens; made where it is missing. Several lines: the first signs, all verify. ' +
    'Where absent, beside the SQLite file or the configuration.',
  'auth.access_token_ttl': 'Seconds that an access token lives.',
  'auth.refresh_token_ttl': 'Seconds that a refresh token lives.',
  'auth.refresh_rotation': 'Whether a refresh token can be used once only.',
  'auth.password_hashing.memory_kib': "Argon2id's memory, in KiB.",
  'auth.password_hashing.iterations': "Argon2id's passes over it.",
  'auth.password_hashing.parallelism': "Argon2id's lanes.",
  'auth.api_key_prefix': 'What new API keys begin with; older ones stay valid.',
  'limits.roles':
    'Limits by role and gateway: `token_limit_daily`, `token_limit_hourly`, `request_limit_daily`, ' +
    '`request_limit_hourly`. A template holds as a whole: what it leaves out is unlimited. ' +
    `Without one, the built-in roles have these, on each gateway:\n\n${builtInLimits()}`,
  roles:
    'Rights by role: `gateways`, `models` (names, or patterns with `*`), `manage_models`. ' +
    'What is absent is everything, but for `manage_models`, which admins have.',
  'logging.directory': 'Where the five logs go; standard output where it cannot be written.',
  'logging.level': 'The least that is logged.',
  'logging.max_size': 'Largest size of one file, in bytes or as `10mb`.',
  'logging.max_files': 'Files of one log, the one being written included.',
  'metrics.enabled': 'Whether `/metrics` is answered.',
  'metrics.token':
    'Where there is one, `/metrics` wants it as Bearer, from everybody. Without one, it is for this machine alone.',
  'metrics.public': 'Without a token, other machines may read `/metrics`, too.',
};

const FRONT = `# Configuration

\`parallama-cli serve\` and every other command read the file that \`--config\` names, else the one in
\`PARALLAMA_CONFIG\`, else \`./parallama.yaml\`, else \`/etc/parallama/config.yaml\`; without any, the defaults hold.
\`parallama-cli config check\` says whether a file is right, and \`--json\` shows it with all defaults. A key that is
unknown or wrong is an error that names the file, the line, the key and what was expected.

\`\`\`yaml
server: { host: 0.0.0.0, port: 8000, workers: 4 }
store: { url: "postgres://parallama@db/parallama", password_file: /etc/parallama/db_password }
auth: { registration: closed, jwt_secret_file: /etc/parallama/jwt_secret }
api_gateways:
  ollama: { host: http://localhost, port: 11434, default_model: llama2 }
  openai:
    model_mappings:
      gpt-3.5-turbo: llama2
      gpt-4: llama2:70b
limits:
  roles:
    basic:
      ollama: { token_limit_daily: 10000, token_limit_hourly: 1000 }
      openai: { token_limit_daily: 10000, request_limit_hourly: unlimited }
\`\`\`

Each key can be given as an environment variable instead, which beats the file: \`PARALLAMA_SERVER_PORT=8080\`. Lists
and sections are written as YAML: \`PARALLAMA_API_GATEWAYS_ENABLED='[openai]'\`. Switches, model mappings and default
models can be changed while servers run, with \`parallama-cli gateway toggle\` and \`gateway config\`; what is set there
beats both, until \`gateway config NAME --reset\`.

The signing secret and the password belong to the server's user alone (\`chmod 600\`); a looser mode is warned of at
the start.

## Keys

Generated from the schema by \`npm run docs:config\`.
`;

/** The whole page. @throws Error for a key without words, and for words without a key */
export function configurationPage(): string {
  const all = leaves();
  const keys = all.map(({ path }) => path.join('.'));
  const missing = keys.filter((key) => WORDS[key] === undefined);
  const stale = Object.keys(WORDS).filter((key) => !keys.includes(key));
  if (missing.length + stale.length > 0) {
    throw new Error(`Keys without words: ${missing.join(', ')}. Words without keys: ${stale.join(', ')}.`);
  }
  const defaults = checkConfig({});
  const sections = new Set(all.map(({ path }) => path[0]!));
  const parts = [...sections].map((section) => {
    const rows = all
      .filter(({ path }) => path[0] === section)
      .map(({ path, expected, variable }) => {
        const key = path.join('.');
        return [
          `#### \`${key}\``,
          `${WORDS[key]}`,
          `Expected: ${expected}. Default: ${shown(valueAt(defaults, path), expected)}. \`${variable}\``,
        ].join('\n\n');
      });
    return `### ${section}\n\n${rows.join('\n\n')}\n`;
  });
  return `${FRONT}\n${parts.join('\n')}`;
}

/** A table of the built-in roles, the smallest first. */
function builtInLimits(): string {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const figure = (limit: number | null) => (limit === null ? 'unlimited' : limit.toLocaleString('en-US'));
  const head = ['role', ...LIMIT_OPTIONS.map((option) => `\`${option}\``)];
  const rows = [...BUILT_IN_LIMITS]
    .reverse()
    .map(([role, limits]) => [role, ...LIMIT_OPTIONS.map((option) => figure(limits[option]))]);
  return [head, head.map(() => '---'), ...rows].map(row).join('\n');
}

function shown(value: unknown, expected: string): string {
  if (value === undefined) return 'none';
  const size = expected.startsWith('a size') && typeof value === 'number';
  return `\`${size ? `${value / 2 ** 20}mb` : JSON.stringify(value)}\``;
}

const valueAt = (value: unknown, path: string[]) =>
  path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
