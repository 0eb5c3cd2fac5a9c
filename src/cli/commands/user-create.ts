import type { Invocation } from '../command.js';
import { UsageError } from '../errors.js';
import { readLimits } from '../limit-options.js';
import { fields, note, print, printJson } from '../output.js';
import { choosePassword } from '../password.js';
import { existingRole, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, values, flags } = invocation;
  const limits = readLimits(invocation);
  if (values.gateway !== undefined && Object.keys(limits).length === 0) {
    note(
      '--gateway has no effect here: it says which gateway the limit options are for, and there are none.',
    );
  }
  await withAdmin(invocation, async (admin) => {
    const { name: role } = existingRole(admin, readRole(invocation));
    const { password, generated } = await choosePassword(invocation);
    const user = await admin.users.create({ username: args[0]!, password, role, limits });
    if (flags.has('json')) return printJson({ ...user, ...(generated && { password }) });
    print(`Created user ${user.username} with role ${user.role}.`);
    const shown: [string, string][] = [['ID', user.id]];
    if (generated) shown.push(['Password', password]);
    print(fields(shown));
    if (generated) note('The password is shown only now.');
  });
}

function readRole({ values, flags }: Invocation): string {
  if (!flags.has('admin')) return values.role ?? 'basic';
  if (values.role === undefined || values.role === 'admin') return 'admin';
  throw new UsageError(`--admin and --role ${values.role} exclude each other.`);
}
