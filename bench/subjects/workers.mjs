/** `parallama-cli serve` with some workers on one SQLite file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newDirectory } from '../directories.mjs';
import { startForeign } from '../processes/start.mjs';
import { freePort } from '../services.mjs';
import { createKeys, gatewayConfig } from './gateway-config.mjs';

const CLI = fileURLToPath(new URL('../../bin/parallama-cli.cjs', import.meta.url));

export async function startWorkers({ upstream, workers }) {
  const directory = newDirectory();
  const store = `sqlite:${join(directory, 'bench.db')}`;
  const config = gatewayConfig({ upstream: upstream.url, store, directory, workers });
  const { createGateway } = await import('../../dist/index.js');
  const gateway = await createGateway({ config });
  const keys = await createKeys(gateway);
  await gateway.close();

  const file = join(directory, 'parallama.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  const port = await freePort();
  const args = [CLI, 'serve', '--config', file, '--port', String(port)];
  const server = await startForeign(process.execPath, args, {
    url: `http://127.0.0.1:${port}`,
    stdio: 'ignore',
  });
  return { ...server, ...keys };
}
