/** What `serve` says when it listens. */
import { withoutPassword } from '../../core/config/secrets.js';
import type { Config } from '../../core/config.js';
import type { Invocation } from '../command.js';
import { isLocalOnly } from '../listen.js';
import { bold, fields, note, print } from '../output.js';
import type { Listening } from './messages.js';

export function introduce(
  { flags }: Invocation,
  { config, source, host }: { config: Config; source: string | undefined; host: string },
  { url, notices }: Listening,
): void {
  const { ollama, enabled } = config.api_gateways;
  const { workers } = config.server;
  const about = {
    store: withoutPassword(config.store.url),
    upstream: `${ollama.host}:${ollama.port}`,
    gateways: enabled.map((name) => `${name} (${config.api_gateways[name].base_path})`),
    ...(workers > 1 && { workers }),
    config: source ?? 'defaults',
  };
  if (flags.has('json')) print(JSON.stringify({ url, ...about }));
  else {
    print(`Parallama listens on ${bold(url)}`);
    print(fields(Object.entries(about).map(([name, value]) => [`  ${name}`, [value].flat().join(', ')])));
  }
  for (const notice of notices) note(notice);
  if (config.server.trust_proxy === true) {
    note(
      'Warning: server.trust_proxy is true: the left-most address of X-Forwarded-For counts, which clients can write ' +
        'themselves where the outermost proxy adds to that header. Set it to the number of proxies in front.',
    );
  }
  if (config.auth.registration === 'open' && !isLocalOnly(host)) {
    note(
      `Warning: registration is open on ${host}: everybody who reaches it can make an account. ` +
        'Set auth.registration to closed or invite in the configuration.',
    );
  }
}
