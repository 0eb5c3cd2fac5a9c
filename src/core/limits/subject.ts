/** Whose limits or usage is meant: an account of ours by its id, or a user of the host app with its role. */
import type { Users } from '../auth/users.js';
import type { Identity } from '../contract.js';
import { GatewayError } from '../errors.js';
import type { LimitOverrides } from './types.js';

/** Of the host app's users only the app knows the role: they are named as `authenticate` gives them. */
export type Subject = string | Pick<Identity, 'id' | 'role'>;

/** @throws GatewayError `not_found` for an id that no account has */
export async function subjectOf(
  {
    users,
    overrides,
  }: { users: Pick<Users, 'find'>; overrides(id: string): Promise<LimitOverrides | undefined> },
  who: Subject,
): Promise<{ id: string; role: string; limits?: LimitOverrides }> {
  if (typeof who !== 'string') {
    return { id: who.id, role: who.role, limits: await overrides(who.id) };
  }
  const user = await users.find(who);
  if (user) return user;
  throw new GatewayError('not_found', {
    message: `There is no account with the id "${who}". Name a user of your app with its role: { id, role }.`,
    param: 'id',
  });
}
