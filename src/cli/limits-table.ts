import type { Admin } from '../core/admin.js';
import type { User } from '../core/auth/user.js';
import type { GatewayName } from '../core/contract.js';
import { LIMIT_OPTIONS, type LimitOption, type Limits } from '../core/limits/types.js';
import { count, table } from './output.js';

const WORDS: Record<LimitOption, string> = {
  token_limit_daily: 'Tokens a day',
  token_limit_hourly: 'Tokens an hour',
  request_limit_daily: 'Requests a day',
  request_limit_hourly: 'Requests an hour',
};

/** The limits in force, and whether each is the user's own or the role's. */
export function limitsTable(admin: Admin, user: User, gateways: readonly GatewayName[]): string {
  const rows = LIMIT_OPTIONS.map((option) => [
    WORDS[option],
    ...gateways.map((gateway) => limitText(admin, user, gateway, option)),
  ]);
  return table(['LIMIT', ...gateways.map((gateway) => gateway.toUpperCase())], rows);
}

export function limitsInForce(
  admin: Admin,
  user: User,
  gateways: readonly GatewayName[],
): Partial<Record<GatewayName, Limits>> {
  return Object.fromEntries(gateways.map((gateway) => [gateway, admin.limits.of(user, gateway)]));
}

function limitText(admin: Admin, user: User, gateway: GatewayName, option: LimitOption): string {
  const role = admin.roles.get(user.role);
  if (role && !role.gateways.includes(gateway)) return 'not allowed (role)';
  const own = user.limits[gateway]?.[option] !== undefined;
  return `${count(admin.limits.of(user, gateway)[option])} (${own ? 'user' : 'role'})`;
}
