import { readCredential } from '../../core/auth/credential.js';
import type { Invocation } from '../command.js';
import { UsageError } from '../errors.js';
import { print, printJson } from '../output.js';
import { withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, flags } = invocation;
  const id = args[0]!;
  // Not repeated in the message: it is a secret, and still good.
  if (readCredential(id)) throw new UsageError('This is a key; its ID is wanted, as `key list` shows it.');
  await withAdmin(invocation, async (admin) => {
    if (!(await admin.keys.revoke(id))) {
      throw new Error(
        `There is no key "${id}". \`parallama-cli key list --username <username>\` shows the IDs.`,
      );
    }
    if (flags.has('json')) printJson({ id, revoked: true });
    else print(`Revoked key ${id}.`);
  });
}
