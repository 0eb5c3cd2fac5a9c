/** Limits as an operator and a host app handle them: set, seen and taken back by the id of a user. */
import type { Roles } from '../auth/roles.js';
import { badLimit, checkOverrides } from '../auth/user.js';
import type { Users } from '../auth/users.js';
import { GATEWAYS, type GatewayName } from '../contract.js';
import type { Records } from '../store/port.js';
import { createOverrides, type Overrides } from './overrides.js';
import { createPolicy, type LimitPolicy } from './policy.js';
import { type Subject, subjectOf } from './subject.js';
import type { LimitOverrides, Limits } from './types.js';

export interface LimitsAdmin extends LimitPolicy {
  /**
   * The limits in force for a user.
   * @param who the id of an account, or an identity of the host app's own with its role
   * @throws GatewayError `not_found` for an id alone where there is no such account
   *
   * @example
   * await gateway.limits.get({ id: 'app-user-7', role: 'basic' }); // { ollama: { token_limit_daily: 500000, ... }, ... }
   */
  get(who: Subject): Promise<Record<GatewayName, Limits>>;
  /**
   * Sets limits for one user instead of the role's; options that are left out stay as they are, null is unlimited.
   * Every process sees it within a second.
   * @param id of an account, or as the host app's `authenticate` gives it
   * @param gateway both where undefined
   * @returns all that is set for the user now
   * @throws GatewayError `invalid_value` naming the option
   *
   * @example
   * await gateway.limits.set('app-user-7', 'openai', { token_limit_daily: 50_000, request_limit_hourly: null });
   */
  set(id: string, gateway: GatewayName | undefined, limits: Partial<Limits>): Promise<LimitOverrides>;
  /** Back to the role's limits, on one gateway or on both; what was used stays used. */
  reset(id: string, gateway?: GatewayName): Promise<void>;
  /** What was set for an id, without its role's limits; undefined where nothing was. */
  overrides: Overrides['get'];
}

export function createLimits({
  roles,
  store,
  users,
}: {
  roles: Pick<Roles, 'get'>;
  store: Records;
  users: Pick<Users, 'find' | 'setLimits' | 'resetLimits'>;
}): LimitsAdmin {
  const policy = createPolicy({ roles });
  const overrides = createOverrides({ store, users });

  return {
    of: policy.of,
    overrides: overrides.get,

    async get(who) {
      const subject = await subjectOf({ users, overrides: overrides.get }, who);
      return { ollama: policy.of(subject, 'ollama'), openai: policy.of(subject, 'openai') };
    },

    async set(id, gateway, limits) {
      checkId(id);
      if (typeof limits !== 'object' || limits === null) {
        throw badLimit('limits', 'The limits must be an object such as { token_limit_daily: 10000 }.');
      }
      const names = gateway === undefined ? GATEWAYS : [gateway];
      const wanted = Object.fromEntries(names.map((name) => [name, limits]));
      checkOverrides(wanted);
      return overrides.set(id, wanted);
    },

    async reset(id, gateway) {
      checkId(id);
      if (gateway !== undefined) checkOverrides({ [gateway]: {} });
      await overrides.reset(id, gateway);
    },
  };
}

function checkId(id: unknown): void {
  if (typeof id !== 'string' || id === '') throw badLimit('id', "A user's id must be a text, and not empty.");
}
