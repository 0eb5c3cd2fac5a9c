/** `GET /admin/v1/usage`: what the caller has used and has left; an admin may name another user. */
import type { Authenticated } from '../auth/authenticator.js';
import type { User } from '../auth/user.js';
import { GatewayError } from '../errors.js';
import type { Services } from '../services.js';
import { currentUsage } from '../usage/current.js';
import { type Call, json, type Operation } from './call.js';

export function usageOperations(services: Services): Record<'usage', Operation> {
  const { roles, users } = services;

  async function subjectOf({ identity, request }: Call): Promise<Authenticated | User> {
    const name = new URLSearchParams(request.url.split('?')[1] ?? '').get('user');
    if (name === null || name.toLowerCase() === identity.username?.toLowerCase()) return identity;
    if (!roles.get(identity.role)?.admin) {
      throw new GatewayError('forbidden', {
        message: 'Only an admin may see the usage of other users.',
        param: 'user',
      });
    }
    const other = await users.get(name);
    if (!other)
      throw new GatewayError('not_found', { message: `There is no user '${name}'.`, param: 'user' });
    return other;
  }

  return {
    async usage(call) {
      return json(200, await currentUsage(services, await subjectOf(call)));
    },
  };
}
