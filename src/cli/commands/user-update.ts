import type { Invocation } from '../command.js';
import { UsageError } from '../errors.js';
import { print, printJson } from '../output.js';
import { existingRole, existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, values, flags } = invocation;
  const { role } = values;
  if (role === undefined) throw new UsageError('Missing --role.');
  await withAdmin(invocation, async (admin) => {
    const { name } = existingRole(admin, role);
    const { username, role: before } = await existingUser(admin, args[0]!);
    const user = await admin.users.setRole(username, name);
    if (flags.has('json')) printJson(user);
    else if (before === name) print(`User ${username} has the role ${name} already.`);
    else print(`User ${username} has the role ${name} now; it was ${before}.`);
  });
}
