import type { Invocation } from '../command.js';
import { note, print, printJson } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, values, flags } = invocation;
  await withAdmin(invocation, async (admin) => {
    const user = await existingUser(admin, args[0]!);
    const { id, key } = await admin.keys.generate(user, { name: values.name });
    if (flags.has('json')) return printJson({ id, key });
    print(key);
    print(`ID: ${id}`);
    note('The key is shown only now.');
  });
}
