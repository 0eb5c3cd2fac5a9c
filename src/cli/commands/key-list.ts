import type { Invocation } from '../command.js';
import { UsageError } from '../errors.js';
import { note, print, printJson, table, time } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { values, flags } = invocation;
  const { username } = values;
  if (username === undefined) throw new UsageError('Missing --username.');
  await withAdmin(invocation, async (admin) => {
    const keys = await admin.keys.list(await existingUser(admin, username));
    if (flags.has('json')) return printJson(keys);
    if (keys.length === 0) return note(`${username} has no API keys.`);
    const rows = keys.map((key) => [key.id, time(key.created_at), key.name ?? '']);
    print(table(['ID', 'CREATED (UTC)', 'NAME'], rows));
  });
}
