import type { Admin } from '../../core/admin.js';
import type { User } from '../../core/auth/user.js';
import { GATEWAYS, type GatewayName } from '../../core/contract.js';
import { LIMIT_OPTIONS, type LimitOption, type Limits } from '../../core/limits/types.js';
import type { Invocation } from '../command.js';
import { count, fields, print, printJson, table, time } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

const WORDS: Record<LimitOption, string> = {
  token_limit_daily: 'Tokens a day',
  token_limit_hourly: 'Tokens an hour',
  request_limit_daily: 'Requests a day',
  request_limit_hourly: 'Requests an hour',
};

export async function run(invocation: Invocation): Promise<void> {
  const { args, flags } = invocation;
  await withAdmin(invocation, async (admin) => {
    const user = await existingUser(admin, args[0]!);
    const keys = await admin.keys.list(user);
    const limits = limitsInForce(admin, user);
    if (flags.has('json')) {
      // `limits` are those in force; what of them was set for the user, and is not the role's, stands beside them.
      const { limits: overrides, ...rest } = user;
      return printJson({ ...rest, keys: keys.length, limits, overrides });
    }
    print(
      fields([
        ['Username', user.username],
        ['ID', user.id],
        ['Role', admin.roles.get(user.role) ? user.role : `${user.role} (not in the configuration)`],
        ['Created', `${time(user.created_at)} UTC`],
        ['API keys', String(keys.length)],
      ]),
    );
    const rows = LIMIT_OPTIONS.map((option) => [
      WORDS[option],
      ...GATEWAYS.map((gateway) => limitText(admin, user, gateway, option, limits[gateway])),
    ]);
    print(`\n${table(['LIMIT', ...GATEWAYS.map((gateway) => gateway.toUpperCase())], rows)}`);
  });
}

function limitsInForce(admin: Admin, user: User): Record<GatewayName, Limits> {
  return { ollama: admin.limits.of(user, 'ollama'), openai: admin.limits.of(user, 'openai') };
}

function limitText(
  admin: Admin,
  user: User,
  gateway: GatewayName,
  option: LimitOption,
  limits: Limits,
): string {
  const role = admin.roles.get(user.role);
  if (role && !role.gateways.includes(gateway)) return 'not allowed (role)';
  const own = user.limits[gateway]?.[option] !== undefined;
  return `${count(limits[option])} (${own ? 'user' : 'role'})`;
}
