import { withoutPassword } from '../../core/config/secrets.js';
import { loadConfig } from '../../core/config.js';
import { createGateway } from '../../core/gateway.js';
import type { Invocation } from '../command.js';
import { isLoopback, listen, readPort } from '../listen.js';
import { bold, fields, note, print } from '../output.js';
import { stopSignal } from '../stop-signal.js';

export async function run(invocation: Invocation): Promise<void> {
  const { values, flags } = invocation;
  const wantedPort = readPort(invocation);
  const stopped = stopSignal();

  const { config, source } = await loadConfig({ file: values.config });
  const gateway = await createGateway({ config: source });
  const host = values.host ?? config.server.host;
  const server = await listen(gateway, { host, port: wantedPort ?? config.server.port });

  const { ollama } = config.api_gateways;
  const about = {
    store: withoutPassword(config.store.url),
    upstream: `${ollama.host}:${ollama.port}`,
    gateways: config.api_gateways.enabled.map((name) => `${name} (${config.api_gateways[name].base_path})`),
    config: source ?? 'defaults',
  };
  if (flags.has('json')) print(JSON.stringify({ url: server.url, ...about }));
  else {
    print(`Parallama listens on ${bold(server.url)}`);
    print(
      fields(
        Object.entries({ ...about, gateways: about.gateways.join(', ') }).map(([a, b]) => [`  ${a}`, b]),
      ),
    );
  }
  for (const notice of gateway.notices) note(notice);
  if (config.auth.registration === 'open' && !isLoopback(host)) {
    note(
      `Warning: registration is open on ${host}: everybody who reaches it can make an account. ` +
        'Set auth.registration to closed or invite in the configuration.',
    );
  }

  await stopped;
  note('Stopping: running requests may still end. A second signal ends them at once.');
  await server.close();
}
