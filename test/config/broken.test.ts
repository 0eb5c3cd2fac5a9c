import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from '../../src/core/config.js';

function problemsIn(text: string): string {
  try {
    parseConfig(text, 'my.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing is wrong';
}

const SECTIONS = 'api_gateways, server, store, usage, auth, limits, roles, logging, metrics';
const SERVER =
  'host, socket_mode, port, workers, body_limit, client_timeout, trust_proxy, allowed_hosts, max_connections, max_connections_per_address, keep_alive_timeout, drain_delay, shutdown_timeout, heartbeat, cors';
const LIMIT = 'a whole number, 0 or more, or unlimited';
const BASE_PATH = 'a path such as /ollama/v1: from a slash to a version, without a slash at its end';
const STORE = 'sqlite:FILE, redis://HOST, postgres://HOST/DATABASE or memory:';

const gateway = (name: string, line: string) => `api_gateways:\n  ${name}:\n    ${line}\n`;

/** What the file is, the file, and the whole message. */
const broken: [string, string, string][] = [
  [
    'an unknown section',
    'sever:\n  port: 1\n',
    `my.yaml:1: sever: is not a known key; expected one of ${SECTIONS} (did you mean server?)`,
  ],
  [
    'an unknown key with a near one',
    '# mine\nserver:\n  host: 0.0.0.0\n  prot: 80\n',
    `my.yaml:4: server.prot: is not a known key; expected one of ${SERVER} (did you mean port?)`,
  ],
  [
    'an unknown key without a near one, and without a value',
    'server:\n  colour:\n',
    `my.yaml:2: server.colour: is not a known key; expected one of ${SERVER}`,
  ],
  [
    'a key in another spelling',
    'server:\n  bodyLimit: 1mb\n',
    `my.yaml:2: server.bodyLimit: is not a known key; expected one of ${SERVER} (did you mean body_limit?)`,
  ],
  ...[
    'app.example.com',
    'https://*.example.com/x',
    'https://app.example.com?x',
    'app://',
    'https://a,https://b',
    '',
  ].map((origin): [string, string, string] => [
    `an origin that no browser sends: '${origin}'`,
    `server:\n  cors:\n    origins: ["${origin}"]\n`,
    'my.yaml:3: server.cors.origins[0]: is not an origin; expected an origin such as https://app.example.com, app://obsidian.md or vscode-webview://*, null, or *',
  ]),
  [
    'an option that Ollama does not have',
    gateway('openai', 'model_options: { gpt-4: { options: { num_ctxt: 1 } } }'),
    "my.yaml:3: api_gateways.openai.model_options.gpt-4.options.num_ctxt: is not one of Ollama's options; expected a name such as num_ctx",
  ],
  [
    'an option of the wrong type',
    gateway('openai', 'model_options: { gpt-4: { options: { num_ctx: 8k } } }'),
    'my.yaml:3: api_gateways.openai.model_options.gpt-4.options.num_ctx: is of the wrong type; expected a number',
  ],
  [
    'a level of thinking that nobody knows',
    gateway('ollama', 'model_options: { llama2: { think: much } }'),
    'my.yaml:3: api_gateways.ollama.model_options.llama2.think: is not allowed; expected true, false or one of low, medium, high, max',
  ],
  [
    'a duration without a unit',
    gateway('ollama', 'model_options: { llama2: { keep_alive: "10" } }'),
    'my.yaml:3: api_gateways.ollama.model_options.llama2.keep_alive: is not allowed; expected a number of seconds, or a duration such as 10m',
  ],
  [
    'text for a number',
    'server:\n  port: "80"\n',
    'my.yaml:2: server.port: is text; expected a port from 0 to 65535',
  ],
  [
    'a port too large',
    'server:\n  port: 70000\n',
    'my.yaml:2: server.port: is 70000; expected a port from 0 to 65535',
  ],
  [
    'a fraction',
    'auth:\n  access_token_ttl: 1.5\n',
    'my.yaml:2: auth.access_token_ttl: is 1.5; expected a whole number of seconds, 1 or more',
  ],
  [
    'a timeout that timers cannot wait',
    gateway('ollama', 'first_byte_timeout: 2592000'),
    'my.yaml:3: api_gateways.ollama.first_byte_timeout: is 2592000;' +
      ' expected a whole number of seconds from 0 to 86400',
  ],
  [
    'yes for true',
    'metrics:\n  enabled: yes\n',
    'my.yaml:2: metrics.enabled: is text; expected true or false',
  ],
  [
    'a size without a known unit',
    'server:\n  body_limit: 5tb\n',
    'my.yaml:2: server.body_limit: is not allowed; expected a size such as 32mb or 512kb, or a whole number of bytes',
  ],
  [
    'a size of nothing',
    'logging:\n  max_size: 0mb\n',
    'my.yaml:2: logging.max_size: is not allowed; expected a size such as 32mb or 512kb, or a whole number of bytes',
  ],
  ['a section that is a number', 'server: 5\n', `my.yaml:1: server: is 5; expected a section of ${SERVER}`],
  ['a list at the top', '- server\n', `my.yaml:1: is a list; expected a section of ${SECTIONS}`],
  ['plain text', 'hello\n', `my.yaml:1: is text; expected a section of ${SECTIONS}`],
  [
    'a mistyped choice',
    'auth:\n  registration: opne\n',
    'my.yaml:2: auth.registration: is not allowed; expected one of open, closed, invite (did you mean open?)',
  ],
  [
    'null where nothing is not a choice',
    'auth:\n  registration: null\n',
    'my.yaml:2: auth.registration: is null; expected one of open, closed, invite',
  ],
  [
    'invite without invitations',
    'auth:\n  registration: invite\n',
    'my.yaml:1: auth.invitations: is empty; expected at least one invitation where registration is invite',
  ],
  [
    'a key prefix like that of refresh tokens',
    'auth:\n  api_key_prefix: rt_mine\n',
    'my.yaml:2: auth.api_key_prefix: is not allowed; expected up to 32 letters, digits or _, not beginning with rt_',
  ],
  [
    'a negative limit',
    'limits:\n  roles:\n    basic:\n      openai:\n        token_limit_daily: -1\n',
    `my.yaml:5: limits.roles.basic.openai.token_limit_daily: is -1; expected ${LIMIT}`,
  ],
  [
    'a limit in words',
    'limits: { roles: { lab: { ollama: { request_limit_hourly: none } } } }\n',
    `my.yaml:1: limits.roles.lab.ollama.request_limit_hourly: is not allowed; expected ${LIMIT}`,
  ],
  [
    'limits on a gateway that does not exist',
    'limits:\n  roles:\n    basic:\n      ollma: {}\n',
    'my.yaml:4: limits.roles.basic.ollma: is not a known key; expected one of ollama, openai (did you mean ollama?)',
  ],
  [
    'a gateway that does not exist',
    'api_gateways:\n  enabled:\n    - openai\n    - olama\n',
    'my.yaml:4: api_gateways.enabled[1]: is not allowed; expected one of ollama, openai (did you mean ollama?)',
  ],
  [
    'a gateway twice',
    'roles:\n  lab:\n    gateways: [openai, openai]\n',
    'my.yaml:3: roles.lab.gateways: names a gateway twice; expected each once',
  ],
  [
    'text for a list',
    'roles:\n  lab:\n    models: "*"\n',
    'my.yaml:3: roles.lab.models: is text; expected a list of models',
  ],
  [
    'a base path with a slash at its end',
    gateway('openai', 'base_path: /openai/v1/'),
    `my.yaml:3: api_gateways.openai.base_path: is not allowed; expected ${BASE_PATH}`,
  ],
  [
    'a base path without a version',
    gateway('ollama', 'base_path: /ollama'),
    `my.yaml:3: api_gateways.ollama.base_path: is not allowed; expected ${BASE_PATH}`,
  ],
  [
    'a base path that climbs',
    gateway('ollama', 'base_path: /a/../v1'),
    `my.yaml:3: api_gateways.ollama.base_path: is not allowed; expected ${BASE_PATH}`,
  ],
  [
    'a base path among the own paths',
    gateway('openai', 'base_path: /admin/v1'),
    "my.yaml:3: api_gateways.openai.base_path: begins like a path of the gateway's own" +
      ' (/auth, /admin, /status, /healthz, /readyz, /metrics); expected another',
  ],
  [
    'two gateways on one path',
    gateway('openai', 'base_path: /ollama/v1'),
    'my.yaml:3: api_gateways.openai.base_path: collides with /ollama/v1 of the gateway ollama;' +
      ' expected a path of its own',
  ],
  [
    'a gateway within the native one',
    gateway('openai', 'base_path: /ollama/api/v1'),
    'my.yaml:3: api_gateways.openai.base_path: collides with /ollama/api of the gateway ollama;' +
      ' expected a path of its own',
  ],
  [
    'a mapping to what no model can have as its name',
    gateway('openai', 'model_mappings: { gpt-4: "gpt-oss: cloud" }'),
    'my.yaml:3: api_gateways.openai.model_mappings.gpt-4: leads to gpt-oss: cloud, which no model can have as its name;' +
      ' expected the name of a model',
  ],
  [
    'a mapping to a mapping',
    gateway('openai', 'model_mappings: { gpt-4: gpt-3.5-turbo, gpt-3.5-turbo: llama2 }'),
    'my.yaml:3: api_gateways.openai.model_mappings.gpt-4: leads to gpt-3.5-turbo, which is itself a mapping;' +
      ' expected the name of a model',
  ],
  [
    'a mapping to itself',
    gateway('ollama', 'model_mappings: { llama2: llama2 }'),
    'my.yaml:3: api_gateways.ollama.model_mappings.llama2: leads to llama2, which is itself a mapping;' +
      ' expected the name of a model',
  ],
  [
    'a mapping to nothing',
    gateway('openai', 'model_mappings:\n      gpt-4:'),
    'my.yaml:4: api_gateways.openai.model_mappings.gpt-4: is without a value; expected the name of a model',
  ],
  [
    'a port within the host',
    gateway('ollama', 'host: http://localhost:11434'),
    'my.yaml:3: api_gateways.ollama.host: has a port in it, which belongs under port;' +
      ' expected a host such as http://localhost',
  ],
  [
    'a path within the host',
    gateway('ollama', 'host: https://example.org/ollama'),
    'my.yaml:3: api_gateways.ollama.host: has more than a host in it; expected a host such as http://localhost',
  ],
  [
    'a host that is none',
    gateway('ollama', 'host: ftp://example.org'),
    'my.yaml:3: api_gateways.ollama.host: is not a host; expected a host such as http://localhost',
  ],
  [
    'a store of an unknown kind',
    'store:\n  url: mysql://localhost/p\n',
    `my.yaml:2: store.url: is not the address of a store; expected ${STORE}`,
  ],
  [
    'a store without a file',
    'store:\n  url: "sqlite:"\n',
    `my.yaml:2: store.url: is not the address of a store; expected ${STORE}`,
  ],
  ...['sqlite:///./x.db', 'sqlite://x.db', 'sqlite:file:x.db', 'sqlite::memory:'].map(
    (url): [string, string, string] => [
      `a store whose file is not clear (${url})`,
      `store:\n  url: "${url}"\n`,
      'my.yaml:2: store.url: does not say clearly which file it is; expected sqlite:./FILE for one in the working directory, or sqlite:/ABSOLUTE/FILE',
    ],
  ),
  [
    'a blank text',
    'logging:\n  directory: " "\n',
    'my.yaml:2: logging.directory: is empty; expected the path of a directory',
  ],
  [
    'a key twice',
    'server:\n  port: 1\n  host: a\n  port: 2\n',
    'my.yaml:4: server.port: is there twice; expected it once',
  ],
  [
    'a section twice',
    'server:\n  port: 1\nserver:\n  host: a\n',
    'my.yaml:3: server: is there twice; expected it once',
  ],
  ['a tab', 'server:\n\tport: 1\n', 'my.yaml:2: a tab is used as indentation; expected spaces'],
  [
    'a key out of its column',
    'server:\n  port: 1\n host: a\n',
    'my.yaml:3: the indentation is wrong or a bracket is open; expected the keys of a section in one column',
  ],
  [
    'a bracket left open',
    'server: { port: 1\n',
    'my.yaml:2: the indentation is wrong or a bracket is open; expected the keys of a section in one column',
  ],
  [
    'a quote left open',
    'store:\n  url: "sqlite:a.db\n',
    'my.yaml:3: a character is missing; expected a closing quote or bracket, a comma, or a space',
  ],
  [
    'a colon in a value',
    'logging:\n  directory: logs: all\n',
    'my.yaml:2: a key stands where a value belongs; expected a line of its own, or the value in quotes',
  ],
  [
    'a reserved character',
    'metrics:\n  token: @home\n',
    'my.yaml:2: a value begins with a character that YAML reserves; expected it in quotes',
  ],
  [
    'two documents',
    'server: {}\n---\nstore: {}\n',
    'my.yaml:2: a second document begins here; expected one document',
  ],
  [
    'an alias of nothing',
    'limits: *mine\n',
    'my.yaml:1: an alias has no anchor before it, or they unfold to too much; expected plain values',
  ],
  ['a stray bracket', 'server: ]\n', 'my.yaml:1: is not YAML; expected lines of KEY: VALUE'],
];

describe('a broken file', () => {
  it.each(broken)('with %s', (_, file, message) => {
    expect(problemsIn(file)).toBe(message);
  });

  it('has all its problems named, by line', () => {
    expect(
      problemsIn('metrics:\n  token: 5\nserver:\n  port: x\n  hots: a\nauth:\n  registration: no\n'),
    ).toBe(
      [
        'my.yaml:2: metrics.token: is a number; expected a text (in quotes, where it is a number)',
        'my.yaml:4: server.port: is text; expected a port from 0 to 65535',
        `my.yaml:5: server.hots: is not a known key; expected one of ${SERVER} (did you mean host?)`,
        'my.yaml:7: auth.registration: is not allowed; expected one of open, closed, invite',
      ].join('\n'),
    );
  });

  it('names the line of a key below an alias', () => {
    const file =
      'limits:\n  roles:\n    basic: &b\n      ollama:\n        token_limit_daily: -2\n    lab: *b\n';
    expect(problemsIn(file).match(/my.yaml:\d+: [^:]+/g)).toEqual([
      'my.yaml:5: limits.roles.basic.ollama.token_limit_daily',
      'my.yaml:5: limits.roles.lab.ollama.token_limit_daily',
    ]);
  });

  it('survives aliases that unfold to too much', () => {
    const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`);
    expect(problemsIn(['a0: &a0 [1]', ...levels].join('\n'))).toContain('unfold to too much');
  });
});

describe('secrets', () => {
  const SECRET = '739154862';
  const files = [
    `metrics:\n  token: ${SECRET}\n`,
    `metrics:\n  token: [${SECRET}]\n`,
    `metrics:\n  token: "${SECRET}\n`,
    `metrics:\n  token: @${SECRET}\n`,
    `metrics:\n  token: x: ${SECRET}\n`,
    `metrics:\n  token: a" ${SECRET}\n  enabled: ${'x'}${SECRET}\n`,
    `auth:\n  invitations: ${SECRET}x\n`,
    `auth:\n  invitations: [${SECRET}]\n`,
    `auth:\n  registration: ${SECRET}x\n`,
    `store:\n  url: redis:/:${SECRET}@host\n`,
    `store:\n  url: mysql://me:${SECRET}@host/db\n`,
    `store: redis://:${SECRET}@host\n`,
    `api_gateways:\n  ollama:\n    host: http://me:${SECRET}@host\n`,
    `- "${SECRET}" ${SECRET}\n`,
    `server: }${SECRET}\n`,
  ];

  it.each(files)('are not repeated: %s', (file) => {
    const message = problemsIn(file);
    expect(message).toMatch(/^my\.yaml:\d+: /);
    expect(message).not.toContain(SECRET);
  });
});
