import { withoutSecrets } from '../../core/config/secrets.js';
import { loadConfig } from '../../core/config.js';
import type { Invocation } from '../command.js';
import { print, printJson } from '../output.js';

export async function run({ values, flags }: Invocation): Promise<void> {
  const { config, source } = await loadConfig({ file: values.config });
  if (flags.has('json')) printJson({ source: source ?? null, config: withoutSecrets(config) });
  else if (source === undefined) print('There is no configuration file: the defaults hold.');
  else print(`${source} is right.`);
}
