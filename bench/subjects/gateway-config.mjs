/** The configuration of the gateways that are measured: limits that count but are not reached, metrics, log files. */
import { join } from 'node:path';

const UNREACHABLE = 1_000_000_000_000;
const limits = {
  token_limit_daily: UNREACHABLE,
  token_limit_hourly: UNREACHABLE,
  request_limit_daily: UNREACHABLE,
  request_limit_hourly: UNREACHABLE,
};
const spent = { ...limits, request_limit_hourly: 0 };

export const PASSWORD = 'not-a-secret';

/** @param directory for what it writes */
export function gatewayConfig({ upstream, store, directory, workers = 1 }) {
  const { hostname, port } = new URL(upstream);
  return {
    server: { workers },
    api_gateways: {
      ollama: { host: `http://${hostname}`, port: Number(port) },
      openai: { model_mappings: { 'gpt-3.5-turbo': 'llama2' } },
    },
    store: { url: store, journal_directory: directory },
    auth: { jwt_secret_file: join(directory, 'jwt_secret') },
    limits: { roles: { basic: { ollama: limits, openai: limits }, spent: { ollama: spent, openai: spent } } },
    roles: { basic: {}, spent: {} },
    logging: { directory: join(directory, 'log') },
  };
}

/** What to call with: a key that is served, one of a user whose limit is reached, and one that was taken away. */
export async function createKeys(gateway) {
  const [bench, spent] = await Promise.all(
    Object.entries({ bench: 'basic', spent: 'spent' }).map(([username, role]) =>
      gateway.users.create({ username, password: PASSWORD, role }),
    ),
  );
  const { key } = await gateway.keys.generate(bench);
  const { key: spentKey } = await gateway.keys.generate(spent);
  const { key: revokedKey, id } = await gateway.keys.generate(bench);
  await gateway.keys.revoke(id);
  return { key, spentKey, revokedKey };
}
