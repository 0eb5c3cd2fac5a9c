/** The commands there are. What they do is loaded when they run, so that `--help` costs nothing. */

import type { Command } from './command.js';

const JSON_OPTION = { json: 'Print JSON' };
const GATEWAY = { gateway: 'Only this gateway (all)' };
const LIMITS = {
  gateway: 'The gateway that the limits are for (all)',
  'token-limit-daily': 'Tokens a day, or "unlimited"',
  'token-limit-hourly': 'Tokens an hour, or "unlimited"',
  'request-limit-daily': 'Requests a day, or "unlimited"',
  'request-limit-hourly': 'Requests an hour, or "unlimited"',
};
const DATES = {
  'start-date': 'First day (UTC), such as 2026-11-01',
  'end-date': 'Last day (UTC), included',
};
const COMMON = { config: 'The configuration file', ...JSON_OPTION };

export const COMMANDS: Command[] = [
  {
    usage: 'serve',
    describe: 'Run the gateway as a server',
    options: { host: 'Address to listen on', port: 'Port to listen on; 0 takes any', ...COMMON },
    load: () => import('./commands/serve.js'),
  },
  {
    usage: 'demo',
    describe: 'Try it: a server with a user and a key in ./.parallama',
    options: {
      port: 'Port to listen on (8000); 0 takes any',
      ollama: 'Where Ollama is; otherwise a local one, or a simulator',
      ...JSON_OPTION,
    },
    load: () => import('./commands/demo.js'),
  },
  {
    usage: 'user create <username>',
    describe: 'Create a user',
    options: {
      role: 'Role of the user (basic)',
      admin: 'The same as --role admin',
      'password-stdin': 'Read the password from standard input',
      gateway: 'The gateway that the limits are for (all)',
      'token-limit-daily': 'Tokens a day, or "unlimited" (the role\'s)',
      'token-limit-hourly': 'Tokens an hour, or "unlimited" (the role\'s)',
      'request-limit-daily': 'Requests a day, or "unlimited" (the role\'s)',
      'request-limit-hourly': 'Requests an hour, or "unlimited" (the role\'s)',
      ...COMMON,
    },
    examples: [
      'user create ada --role premium',
      'user create bob --gateway ollama --token-limit-daily 20000',
    ],
    load: () => import('./commands/user-create.js'),
  },
  {
    usage: 'user list',
    describe: 'List the users',
    options: { role: 'Only users with this role', ...COMMON },
    load: () => import('./commands/user-list.js'),
  },
  {
    usage: 'user info <username>',
    describe: 'Show a user, with the limits in force',
    options: COMMON,
    load: () => import('./commands/user-info.js'),
  },
  {
    usage: 'user update <username>',
    describe: 'Change the role of a user',
    options: { role: 'The new role', ...COMMON },
    examples: ['user update ada --role premium'],
    load: () => import('./commands/user-update.js'),
  },
  {
    usage: 'user delete <username>',
    describe: 'Delete a user, with all keys and tokens',
    options: { yes: 'Do not ask', ...COMMON },
    load: () => import('./commands/user-delete.js'),
  },
  {
    usage: 'key generate <username>',
    describe: 'Generate an API key',
    options: { name: 'What the key is for', ...COMMON },
    load: () => import('./commands/key-generate.js'),
  },
  {
    usage: 'key list',
    describe: 'List the API keys of a user',
    options: { username: 'Whose keys', ...COMMON },
    examples: ['key list --username ada'],
    load: () => import('./commands/key-list.js'),
  },
  {
    usage: 'key revoke <key-id>',
    describe: 'Revoke an API key',
    options: COMMON,
    load: () => import('./commands/key-revoke.js'),
  },
  {
    usage: 'auth rotate-tokens <username>',
    describe: 'Void refresh tokens of a user, and give a new one',
    options: COMMON,
    load: () => import('./commands/auth-rotate-tokens.js'),
  },
  {
    usage: 'auth revoke-all <username>',
    describe: 'Void all refresh and access tokens of a user',
    options: { keys: 'API keys too', ...COMMON },
    load: () => import('./commands/auth-revoke-all.js'),
  },
  {
    usage: 'gateway status',
    describe: 'Show how the gateways do, over all servers',
    options: COMMON,
    load: () => import('./commands/gateway-status.js'),
  },
  {
    usage: 'gateway toggle <gateway>',
    describe: 'Switch a gateway on or off, while servers run',
    options: { enabled: 'true or false', ...COMMON },
    examples: ['gateway toggle openai --enabled false'],
    load: () => import('./commands/gateway-toggle.js'),
  },
  {
    usage: 'gateway config <gateway>',
    describe: 'Show or change model mappings, while servers run',
    options: {
      'model-mapping': 'NAME=MODEL, to add or change; can be repeated',
      'remove-mapping': 'NAME, to take away; can be repeated',
      'default-model': 'For requests that name no model',
      reset: 'Give the configuration file its word back',
      ...COMMON,
    },
    examples: ['gateway config openai --model-mapping gpt-4=llama2:70b'],
    load: () => import('./commands/gateway-config.js'),
  },
  {
    usage: 'gateway metrics',
    describe: 'Show requests, tokens, errors of today and of now',
    options: { ...GATEWAY, ...COMMON },
    load: () => import('./commands/gateway-metrics.js'),
  },
  {
    usage: 'usage show <username>',
    describe: 'Show what a user has used today and this hour',
    options: { ...GATEWAY, ...COMMON },
    load: () => import('./commands/usage-show.js'),
  },
  {
    usage: 'usage report',
    describe: 'Report what each user has used (in 30 days)',
    options: { ...DATES, ...GATEWAY, format: 'table, json or csv (table)', ...COMMON },
    examples: ['usage report --start-date 2026-11-01 --format csv'],
    load: () => import('./commands/usage-report.js'),
  },
  {
    usage: 'usage export',
    describe: 'Export usage by hour, user, gateway and model',
    options: { ...DATES, ...GATEWAY, format: 'csv or json (csv)', ...COMMON },
    examples: ['usage export --format csv > usage.csv'],
    load: () => import('./commands/usage-export.js'),
  },
  {
    usage: 'usage verify',
    describe: 'Hold the counters of limits against the history',
    options: COMMON,
    load: () => import('./commands/usage-verify.js'),
  },
  {
    usage: 'limits set <username>',
    describe: 'Set limits of a user; those left out stay',
    options: { ...LIMITS, ...COMMON },
    examples: ['limits set ada --gateway ollama --token-limit-daily 20000'],
    load: () => import('./commands/limits-set.js'),
  },
  {
    usage: 'limits show <username>',
    describe: 'Show the limits in force for a user',
    options: { ...GATEWAY, ...COMMON },
    load: () => import('./commands/limits-show.js'),
  },
  {
    usage: 'limits reset <username>',
    describe: "Go back to the role's limits",
    options: { ...GATEWAY, ...COMMON },
    load: () => import('./commands/limits-reset.js'),
  },
  {
    usage: 'store copy <from> <to>',
    describe: 'Copy a store into an empty one, and compare both',
    options: { resume: 'Go on with a copy that broke off', ...JSON_OPTION },
    examples: ['store copy sqlite:./parallama.db postgres://ada@db/usage'],
    load: () => import('./commands/store-copy.js'),
  },
  {
    usage: 'doctor',
    describe: 'Say what holds here: store, upstream, clock',
    options: COMMON,
    load: () => import('./commands/doctor.js'),
  },
  {
    usage: 'config check',
    describe: 'Check the configuration; --json shows it whole',
    options: COMMON,
    load: () => import('./commands/config-check.js'),
  },
  {
    usage: 'install',
    describe: 'Set up a machine: /etc/parallama, systemd, user',
    options: { root: 'Write below this directory instead, and make no user', ...JSON_OPTION },
    load: () => import('./commands/install.js'),
  },
];

/** `user create` of `user create <username>`. */
export const nameOf = ({ usage }: Command) => usage.replace(/ *<.*/, '');

/** `<username>` of `user create <username>`. */
export const argumentsOf = ({ usage }: Command) => usage.match(/<[^>]+>/g) ?? [];
