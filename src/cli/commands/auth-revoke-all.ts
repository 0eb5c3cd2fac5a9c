import type { Invocation } from '../command.js';
import { print, printJson } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, flags } = invocation;
  await withAdmin(invocation, async (admin) => {
    const { username } = await existingUser(admin, args[0]!);
    const keys = flags.has('keys');
    const revoked = await admin.tokens.revokeAll(username, { keys });
    if (flags.has('json')) return printJson({ username, ...revoked });
    const rest = keys ? `API keys revoked: ${revoked.keys_revoked}.` : 'API keys stay (--keys revokes them).';
    print(`All refresh and access tokens of ${username} are void. ${rest}`);
  });
}
