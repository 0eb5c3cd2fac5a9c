/**
 * Roles: what users of a kind may do, and their limits where nothing was set for the user.
 */
import type { Config } from '../config.js';
import { GATEWAYS, type GatewayName } from '../contract.js';
import { BUILT_IN_LIMITS } from '../limits/templates.js';
import { type Limits, UNLIMITED } from '../limits/types.js';

export interface Role {
  name: string;
  gateways: GatewayName[];
  /** Names, or patterns with `*`. */
  models: string[];
  manage_models: boolean;
  limits: Record<GatewayName, Limits>;
  /** May see everybody's usage. */
  admin: boolean;
}

export interface Roles {
  get(name: string): Role | undefined;
  names(): string[];
}

const ADMIN = 'admin';

/**
 * The built-in roles and those that the configuration names in `roles` or in `limits.roles`.
 *
 * A template that the configuration gives for a role and gateway holds as a whole: an option it leaves out is
 * unlimited. So is everything for a role that has no template at all.
 */
export function createRoles(config: Pick<Config, 'roles' | 'limits'>): Roles {
  const names = new Set([
    ...BUILT_IN_LIMITS.keys(),
    ...Object.keys(config.roles),
    ...Object.keys(config.limits.roles),
  ]);
  const roles = new Map([...names].map((name) => [name, roleOf(name, config)]));
  return {
    get: (name) => roles.get(name),
    names: () => [...roles.keys()],
  };
}

function roleOf(name: string, config: Pick<Config, 'roles' | 'limits'>): Role {
  const rights = config.roles[name];
  const templates = config.limits.roles[name];
  const limitsOn = (gateway: GatewayName): Limits => {
    const template = templates?.[gateway];
    return template ? complete(template) : (BUILT_IN_LIMITS.get(name) ?? UNLIMITED);
  };
  return {
    name,
    gateways: rights?.gateways ?? [...GATEWAYS],
    models: rights?.models ?? ['*'],
    manage_models: rights?.manage_models ?? name === ADMIN,
    limits: { ollama: limitsOn('ollama'), openai: limitsOn('openai') },
    admin: name === ADMIN,
  };
}

function complete(template: Partial<Limits>): Limits {
  return {
    token_limit_daily: template.token_limit_daily ?? null,
    token_limit_hourly: template.token_limit_hourly ?? null,
    request_limit_daily: template.request_limit_daily ?? null,
    request_limit_hourly: template.request_limit_hourly ?? null,
  };
}
