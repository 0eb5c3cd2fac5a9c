import type { Invocation } from '../command.js';
import { note, print, printJson } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, flags } = invocation;
  await withAdmin(invocation, async (admin) => {
    const { username } = await existingUser(admin, args[0]!);
    const { refresh_token, sessions_ended } = await admin.tokens.rotate(username);
    if (flags.has('json')) return printJson({ username, refresh_token, sessions_ended });
    print(refresh_token);
    note(`The refresh tokens of ${username} are void (${sessions_ended}). The new one is shown only now.`);
    note('Access tokens live until they expire.');
  });
}
