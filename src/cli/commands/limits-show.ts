import type { Invocation } from '../command.js';
import { gatewaysNamed } from '../gateway-name.js';
import { limitsInForce, limitsTable } from '../limits-table.js';
import { print, printJson } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, values, flags } = invocation;
  const gateways = gatewaysNamed(values.gateway);
  await withAdmin(invocation, async (admin) => {
    const user = await existingUser(admin, args[0]!);
    if (flags.has('json')) {
      printJson({ username: user.username, limits: limitsInForce(admin, user, gateways) });
    } else print(limitsTable(admin, user, gateways));
  });
}
