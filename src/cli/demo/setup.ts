/** What the demo keeps in `./.parallama`: a configuration, the store, the secret and logs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { randomText } from '../../core/auth/credential.js';
import type { ConfigInput } from '../../core/config.js';
import type { Gateway } from '../../core/gateway.js';

const DIRECTORY = '.parallama';
export const STORE = `${DIRECTORY}/parallama.db`;
export const CONFIG = `${DIRECTORY}/config.yaml`;
export const USERNAME = 'demo';
const KEY_NAME = 'parallama demo';

export function demoConfig(options: { port: number; upstream: string; model: string }): ConfigInput {
  const { port, upstream, model } = options;
  const { protocol, hostname, port: given } = new URL(upstream);
  return {
    server: { host: '127.0.0.1', port },
    store: { url: `sqlite:./${STORE}`, journal_directory: DIRECTORY },
    auth: { jwt_secret_file: `${DIRECTORY}/jwt_secret` },
    logging: { directory: `${DIRECTORY}/logs` },
    api_gateways: {
      ollama: {
        host: `${protocol}//${hostname}`,
        port: Number(given) || (protocol === 'https:' ? 443 : 80),
        default_model: model,
      },
      openai: { model_mappings: { 'gpt-3.5-turbo': model, 'gpt-4': model } },
    },
  };
}

export async function makeDirectory(): Promise<void> {
  await mkdir(DIRECTORY, { recursive: true, mode: 0o700 });
  // In a directory of somebody else's repository it must not show up either.
  await writeFile(`${DIRECTORY}/.gitignore`, '*\n');
}

/** With this file the other commands can work on the demo too. */
export async function writeConfig(config: ConfigInput): Promise<void> {
  await writeFile(CONFIG, `# Written by \`parallama-cli demo\` on every start.\n${stringify(config)}`);
}

/** The demo user, made on the first start, and a new key: the one of the last start is void. */
export async function freshKey({ users, keys }: Pick<Gateway, 'users' | 'keys'>): Promise<string> {
  const password = randomText(24);
  const user =
    (await users.get(USERNAME)) ?? (await users.create({ username: USERNAME, password, role: 'premium' }));
  for (const { id, name } of await keys.list(user)) {
    if (name === KEY_NAME) await keys.revoke(id);
  }
  const { key } = await keys.generate(user, { name: KEY_NAME });
  return key;
}
