/** Which limits hold for whom: the role's template, and what was set for the user beats it. */
import type { Roles } from '../auth/roles.js';
import type { GatewayName } from '../contract.js';
import type { LimitOverrides, Limits } from './types.js';

export interface LimitPolicy {
  /**
   * The limits in force on a gateway, the same object for the same role and overrides. A role that the configuration no
   * longer has allows nothing.
   */
  of(subject: { role: string; limits?: LimitOverrides }, gateway: GatewayName): Limits;
}

const NOTHING: Limits = {
  token_limit_daily: 0,
  token_limit_hourly: 0,
  request_limit_daily: 0,
  request_limit_hourly: 0,
};

export function createPolicy({ roles }: { roles: Pick<Roles, 'get'> }): LimitPolicy {
  const merged = new WeakMap<Partial<Limits>, { template: Limits; limits: Limits }>();
  return {
    of(subject, gateway) {
      const template = roles.get(subject.role)?.limits[gateway] ?? NOTHING;
      const overrides = subject.limits?.[gateway];
      if (!overrides) return template;
      const last = merged.get(overrides);
      if (last?.template === template) return last.limits;
      const limits = { ...template, ...overrides };
      merged.set(overrides, { template, limits });
      return limits;
    },
  };
}
