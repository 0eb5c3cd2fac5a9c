/** The account endpoints: bodies in, what `auth/endpoints.ts` makes of them out. */
import { type AuthEndpoint, createAuthEndpoints } from '../auth/endpoints.js';
import type { GatewayResponse } from '../contract.js';
import { parseJson, readBody } from '../http/body.js';
import type { Services } from '../services.js';
import { type Call, json, noContent, type Operation } from './call.js';

type Name = 'register' | 'login' | 'token' | 'logout' | 'keys' | 'key';

/** Account bodies are small; what is larger, or slower, is not one. */
const BOUNDS = { limit: 65_536, timeout: 30 };

export function accountOperations(services: Services): Record<Name, Operation> {
  const { config, keys, logs } = services;
  const endpoints = createAuthEndpoints({ ...services, apiKeys: keys, config: config.auth, log: logs.auth });

  const operation =
    (handle: AuthEndpoint, body: 'required' | 'optional' | 'none'): Operation =>
    async (call) => {
      const reply = await handle({
        body: await bodyOf(call, body),
        ip: call.request.ip,
        identity: call.identity,
        params: { id: call.param },
      });
      return reply.body === undefined ? noContent() : secret(json(reply.status, reply.body));
    };

  const create = operation(endpoints.createKey, 'optional');
  const list = operation(endpoints.listKeys, 'none');
  return {
    register: operation(endpoints.register, 'required'),
    login: operation(endpoints.login, 'required'),
    token: operation(endpoints.token, 'required'),
    logout: operation(endpoints.logout, 'required'),
    keys: (call) => (call.request.method === 'POST' ? create(call) : list(call)),
    key: operation(endpoints.deleteKey, 'none'),
  };
}

/** Most of them hold a token or a key, which no cache on the way may keep. */
function secret(answer: GatewayResponse): GatewayResponse {
  answer.headers['cache-control'] = 'no-store';
  return answer;
}

async function bodyOf({ request, dialect }: Call, body: 'required' | 'optional' | 'none'): Promise<unknown> {
  if (body === 'none') return undefined;
  const read = await readBody(request, BOUNDS);
  const empty =
    read === undefined || ((Buffer.isBuffer(read) || typeof read === 'string') && read.length === 0);
  return empty && body === 'optional' ? undefined : parseJson(read, dialect);
}
