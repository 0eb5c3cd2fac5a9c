import type { Admin } from '../core/admin.js';
import type { Role } from '../core/auth/roles.js';
import type { User } from '../core/auth/user.js';
import type { Invocation } from './command.js';
import { UsageError } from './errors.js';

/** Opens the store that the configuration names, for as long as the work takes. */
export async function withAdmin<T>({ values }: Invocation, work: (admin: Admin) => Promise<T>): Promise<T> {
  const { openAdmin } = await import('../core/admin.js');
  const admin = await openAdmin({ config: values.config });
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

/** @throws Error where there is no such user */
export async function existingUser(admin: Admin, username: string): Promise<User> {
  const user = await admin.users.get(username);
  if (user) return user;
  throw new Error(`There is no user "${username}". \`parallama-cli user list\` shows who there is.`);
}

/** @throws UsageError where the configuration has no such role */
export function existingRole(admin: Admin, name: string): Role {
  const role = admin.roles.get(name);
  if (role) return role;
  throw new UsageError(`Unknown role "${name}". Roles: ${admin.roles.names().join(', ')}.`);
}
