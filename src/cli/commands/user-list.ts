import type { User } from '../../core/auth/user.js';
import type { Invocation } from '../command.js';
import { note, print, printJson, table, time } from '../output.js';
import { existingRole, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { values, flags } = invocation;
  await withAdmin(invocation, async (admin) => {
    const role = values.role === undefined ? undefined : existingRole(admin, values.role).name;
    const users: User[] = [];
    for await (const user of admin.users.list({ role })) users.push(user);
    if (flags.has('json')) return printJson(users);
    if (users.length === 0) {
      return note(role ? `No user has the role ${role}.` : `There are no users yet in ${admin.store.place}.`);
    }
    const rows = users.map((user) => [user.username, user.role, time(user.created_at), user.id]);
    print(table(['USERNAME', 'ROLE', 'CREATED (UTC)', 'ID'], rows));
  });
}
