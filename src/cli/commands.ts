/** The commands there are. What they do is loaded when they run, so that `--help` costs nothing. */

import type { Command } from './command.js';

const JSON_OPTION = { json: 'Print JSON' };
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
    describe: 'Try it: a server with a user and a key, in ./.parallama',
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
];

/** `user create` of `user create <username>`. */
export const nameOf = ({ usage }: Command) => usage.replace(/ *<.*/, '');

/** `<username>` of `user create <username>`. */
export const argumentsOf = ({ usage }: Command) => usage.match(/<[^>]+>/g) ?? [];
