/**
 * What the `/auth/keys` routes do: a user's own API keys.
 */
import { z } from 'zod';
import { GatewayError } from '../errors.js';
import type { ApiKey, ApiKeys } from './api-keys.js';
import { readFields } from './body.js';
import { type AuthEndpoint, type AuthLog, known } from './endpoint.js';
import type { Users } from './users.js';

export interface KeyEndpoints {
  /** `GET /auth/keys` */
  listKeys: AuthEndpoint;
  /** `POST /auth/keys`; the body may be left out. The only answer that has the key in it. */
  createKey: AuthEndpoint;
  /** `DELETE /auth/keys/{id}` */
  deleteKey: AuthEndpoint;
}

const NEW_KEY = z.object({
  name: z.string().min(1, 'must not be empty').max(100, 'must have at most 100 characters').nullish(),
});

export function createKeyEndpoints({
  users,
  apiKeys,
  log,
}: {
  users: Pick<Users, 'find'>;
  apiKeys: ApiKeys;
  log?: AuthLog;
}): KeyEndpoints {
  return {
    async listKeys({ identity }) {
      const keys = await apiKeys.list(known(identity));
      return { status: 200, body: { keys: keys.map(shown) } };
    },

    async createKey({ body, identity, ip }) {
      const { name } = body === undefined ? {} : readFields(NEW_KEY, body);
      const user = await users.find(known(identity).id);
      if (!user)
        throw new GatewayError('forbidden', { message: 'API keys are for accounts of this server.' });
      const key = await apiKeys.generate(user, { name: name ?? undefined });
      log?.info({ event: 'key_created', user: user.id, id: key.id, ip }, 'API key created');
      return { status: 201, body: { ...shown(key), key: key.key } };
    },

    async deleteKey({ identity, params, ip }) {
      const user = known(identity).id;
      const id = params?.id ?? '';
      if (!(await apiKeys.revoke(id, { user }))) {
        throw new GatewayError('not_found', { message: 'There is no such API key.' });
      }
      log?.info({ event: 'key_revoked', user, id, ip }, 'API key revoked');
      return { status: 204 };
    },
  };
}

function shown({ id, name, created_at }: ApiKey): { id: string; name: string | null; created_at: string } {
  return { id, name: name ?? null, created_at };
}
