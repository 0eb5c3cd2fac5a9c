import type { Invocation } from '../command.js';
import { UsageError } from '../errors.js';
import { gatewaysNamed } from '../gateway-name.js';
import { readLimits } from '../limit-options.js';
import { limitsInForce, limitsTable } from '../limits-table.js';
import { print, printJson } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, values, flags } = invocation;
  const limits = readLimits(invocation);
  if (Object.keys(limits).length === 0) throw new UsageError('Missing a limit, such as --token-limit-daily.');
  await withAdmin(invocation, async (admin) => {
    const { username } = await existingUser(admin, args[0]!);
    const user = await admin.users.setLimits(username, limits);
    const gateways = gatewaysNamed(values.gateway);
    if (flags.has('json')) printJson({ username, limits: limitsInForce(admin, user, gateways) });
    else print(limitsTable(admin, user, gateways));
  });
}
