/** What one user has used in the hour and the day that it is, and has left: the body of `GET /admin/v1/usage`. */
import type { Config } from '../config.js';
import { GATEWAYS, type GatewayName } from '../contract.js';
import { claimKey, type Meaning, meaningsAt } from '../limits/claims.js';
import type { LimitPolicy } from '../limits/policy.js';
import { remaining } from '../limits/rate-headers.js';
import type { LimitOverrides } from '../limits/types.js';
import type { WindowName } from '../limits/windows.js';
import type { Counter, Quotas } from '../store/port.js';

export interface WindowUsage {
  total_tokens: number;
  total_requests: number;
  /** null where unlimited. */
  remaining_tokens: number | null;
  remaining_requests: number | null;
}

export interface GatewayUsage {
  today: WindowUsage;
  current_hour: WindowUsage;
}

/** By UTC calendar day and hour. */
export interface CurrentUsage {
  /** Every gateway that the configuration enables. */
  gateways: Partial<Record<GatewayName, GatewayUsage>>;
}

export async function currentUsage(
  {
    config,
    store,
    limits,
  }: { config: Pick<Config, 'api_gateways'>; store: Pick<Quotas, 'counters'>; limits: LimitPolicy },
  subject: { id: string; role: string; limits?: LimitOverrides },
): Promise<CurrentUsage> {
  const gateways: CurrentUsage['gateways'] = {};
  const now = Date.now();
  for (const gateway of GATEWAYS) {
    if (!config.api_gateways.enabled.includes(gateway)) continue;
    const meanings = meaningsAt(now, limits.of(subject, gateway));
    const counters = await store.counters(
      subject.id,
      meanings.map((meaning) => claimKey(gateway, meaning)),
    );
    const of = (window: WindowName) => windowUsage(window, meanings, counters);
    gateways[gateway] = { today: of('day'), current_hour: of('hour') };
  }
  return { gateways };
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
