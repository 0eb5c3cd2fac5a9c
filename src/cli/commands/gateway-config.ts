import type { GatewaySettings, SettingsChange } from '../../core/settings.js';
import type { Invocation } from '../command.js';
import { UsageError } from '../errors.js';
import { gatewayNamed } from '../gateway-name.js';
import { fields, note, print, printJson, table } from '../output.js';
import { withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, flags } = invocation;
  const gateway = gatewayNamed(args[0]!);
  const change = readChange(invocation);
  const reset = flags.has('reset');
  if (reset && change) throw new UsageError('--reset excludes the other options.');
  await withAdmin(invocation, async (admin) => {
    if (reset) await admin.gateways.reset(gateway);
    const settings = change
      ? await admin.gateways.change(gateway, change)
      : await admin.gateways.get(gateway);
    const { base_path } = admin.config.api_gateways[gateway];
    if (flags.has('json')) return printJson({ gateway, base_path, ...settings });
    if (reset) note('What the configuration file says holds again.');
    if (change) note('Servers see the change within a second.');
    show(base_path, settings);
  });
}

/** Undefined where no option changes anything. @throws UsageError */
function readChange({ values, lists }: Invocation): SettingsChange | undefined {
  const added = lists['model-mapping'].map(readMapping);
  const removed = lists['remove-mapping'].map((name): [string, null] => [name, null]);
  const mappings = [...added, ...removed];
  const doubled = mappings.find(([name], at) => mappings.findIndex(([other]) => other === name) !== at);
  if (doubled) throw new UsageError(`The mapping "${doubled[0]}" is given twice.`);
  const default_model = values['default-model'];
  if (mappings.length === 0 && default_model === undefined) return undefined;
  return {
    ...(mappings.length > 0 && { model_mappings: Object.fromEntries(mappings) }),
    ...(default_model !== undefined && { default_model }),
  };
}

function readMapping(given: string): [string, string] {
  const [, name, model] = /^\s*([^=]*[^=\s])\s*=\s*(\S.*?)\s*$/.exec(given) ?? [];
  if (name !== undefined && model !== undefined) return [name, model];
  throw new UsageError(
    `Option "--model-mapping" is "${given}"; expected NAME=MODEL, such as gpt-4=llama2:70b.`,
  );
}

function show(basePath: string, { enabled, default_model, model_mappings }: GatewaySettings): void {
  print(
    fields([
      ['Base path', basePath],
      ['Switched', enabled ? 'on' : 'off'],
      ['Default model', default_model ?? 'none'],
    ]),
  );
  const rows = Object.entries(model_mappings);
  if (rows.length > 0) print(`\n${table(['NAME', 'MODEL'], rows)}`);
}
