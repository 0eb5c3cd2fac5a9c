import type { Invocation } from '../command.js';
import { confirm } from '../confirm.js';
import { print, printJson } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, flags } = invocation;
  await withAdmin(invocation, async (admin) => {
    const { id, username } = await existingUser(admin, args[0]!);
    await confirm(invocation, `Delete user ${username}, with all keys and tokens?`);
    await admin.users.delete(username);
    if (flags.has('json')) printJson({ id, username, deleted: true });
    else print(`Deleted user ${username}. Keys and tokens are void; the usage history stays.`);
  });
}
