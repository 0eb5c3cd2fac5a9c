import type { Invocation } from '../command.js';
import { gatewaysNamed } from '../gateway-name.js';
import { limitsInForce, limitsTable } from '../limits-table.js';
import { note, print, printJson } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, values, flags } = invocation;
  const gateways = gatewaysNamed(values.gateway);
  await withAdmin(invocation, async (admin) => {
    const { username } = await existingUser(admin, args[0]!);
    const user = await admin.users.resetLimits(username, gateways.length === 1 ? gateways[0] : undefined);
    if (flags.has('json')) return printJson({ username, limits: limitsInForce(admin, user, gateways) });
    print(limitsTable(admin, user, gateways));
    note('The limits of the role hold again. What was used stays used.');
  });
}
