import { GATEWAYS } from '../../core/contract.js';
import type { Invocation } from '../command.js';
import { limitsInForce, limitsTable } from '../limits-table.js';
import { fields, print, printJson, time } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, flags } = invocation;
  await withAdmin(invocation, async (admin) => {
    const user = await existingUser(admin, args[0]!);
    const keys = await admin.keys.list(user);
    if (flags.has('json')) {
      // `limits` are those in force; what of them was set for the user, and is not the role's, stands beside them.
      const { limits: overrides, ...rest } = user;
      const limits = limitsInForce(admin, user, GATEWAYS);
      return printJson({ ...rest, keys: keys.length, limits, overrides });
    }
    print(
      fields([
        ['Username', user.username],
        ['ID', user.id],
        ['Role', admin.roles.get(user.role) ? user.role : `${user.role} (not in the configuration)`],
        ['Created', `${time(user.created_at)} UTC`],
        ['API keys', String(keys.length)],
      ]),
    );
    print(`\n${limitsTable(admin, user, GATEWAYS)}`);
  });
}
