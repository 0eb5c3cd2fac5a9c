/** `GET /admin/v1/usage`: what the caller has used and has left; an admin may name another user. */
import { GATEWAYS, type GatewayName } from '../contract.js';
import { GatewayError } from '../errors.js';
import { claimKey, type Meaning, meaningsAt } from '../limits/claims.js';
import { remaining } from '../limits/rate-headers.js';
import type { LimitOverrides, Limits } from '../limits/types.js';
import type { WindowName } from '../limits/windows.js';
import type { Services } from '../services.js';
import type { Counter } from '../store/port.js';
import { type Call, json, type Operation } from './call.js';

interface WindowUsage {
  total_tokens: number;
  total_requests: number;
  /** null where unlimited. */
  remaining_tokens: number | null;
  remaining_requests: number | null;
}

interface GatewayUsage {
  today: WindowUsage;
  current_hour: WindowUsage;
}

type Subject = { id: string; role: string; limits?: LimitOverrides };

export function usageOperations(services: Services): Record<'usage', Operation> {
  const { config, limits, roles, users } = services;

  async function subjectOf({ identity, request }: Call): Promise<Subject> {
    const name = new URLSearchParams(request.url.split('?')[1] ?? '').get('user');
    if (name === null || name.toLowerCase() === identity.username?.toLowerCase()) {
      return { ...identity, limits: identity.user?.limits };
    }
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
      const subject = await subjectOf(call);
      const gateways: Partial<Record<GatewayName, GatewayUsage>> = {};
      for (const gateway of GATEWAYS) {
        if (!config.api_gateways.enabled.includes(gateway)) continue;
        gateways[gateway] = await gatewayUsage(services, subject.id, gateway, limits.of(subject, gateway));
      }
      return json(200, { gateways });
    },
  };
}

/** What one user has used of a gateway in the windows of this instant. */
async function gatewayUsage(
  { store }: Services,
  subject: string,
  gateway: GatewayName,
  limits: Limits,
): Promise<GatewayUsage> {
  const meanings = meaningsAt(Date.now(), limits);
  const counters = await store.counters(
    subject,
    meanings.map((meaning) => claimKey(gateway, meaning)),
  );
  const of = (window: WindowName) => windowUsage(window, meanings, counters);
  return { today: of('day'), current_hour: of('hour') };
}

function windowUsage(window: WindowName, meanings: Meaning[], counters: Counter[]): WindowUsage {
  const find = (counts: Meaning['counts']) => {
    const at = meanings.findIndex((meaning) => meaning.counts === counts && meaning.window.name === window);
    const { max } = meanings[at]!;
    const counter = counters[at]!;
    return { total: counter.used, left: max === null ? null : remaining(max, counter) };
  };
  const tokens = find('tokens');
  const requests = find('requests');
  return {
    total_tokens: tokens.total,
    total_requests: requests.total,
    remaining_tokens: tokens.left,
    remaining_requests: requests.left,
  };
}
