import type { Invocation } from '../command.js';
import { UsageError } from '../errors.js';
import { gatewayNamed } from '../gateway-name.js';
import { note, print, printJson } from '../output.js';
import { withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, values, flags } = invocation;
  const gateway = gatewayNamed(args[0]!);
  const enabled = readEnabled(values.enabled);
  await withAdmin(invocation, async (admin) => {
    const settings = await admin.gateways.change(gateway, { enabled });
    if (flags.has('json')) printJson({ gateway, ...settings });
    else
      print(`The gateway ${gateway} is switched ${enabled ? 'on' : 'off'}. Servers see it within a second.`);
    if (enabled && !admin.config.api_gateways.enabled.includes(gateway)) {
      note(`It answers 404 all the same: api_gateways.enabled in the configuration does not name it.`);
    }
  });
}

function readEnabled(given: string | undefined): boolean {
  if (given === 'true' || given === 'false') return given === 'true';
  throw new UsageError(
    given === undefined ? 'Missing --enabled.' : `Option "--enabled" is "${given}"; expected true or false.`,
  );
}
