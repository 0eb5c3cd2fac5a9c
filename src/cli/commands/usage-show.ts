import type { GatewayName } from '../../core/contract.js';
import type { WindowUsage } from '../../core/usage/current.js';
import type { Invocation } from '../command.js';
import { gatewaysNamed } from '../gateway-name.js';
import { count, print, printJson, table } from '../output.js';
import { existingUser, withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { args, values, flags } = invocation;
  const names = gatewaysNamed(values.gateway);
  await withAdmin(invocation, async (admin) => {
    const { id, username } = await existingUser(admin, args[0]!);
    const all = (await admin.usage.current(id)).gateways;
    const gateways = names.flatMap((name) => (all[name] ? [{ name, ...all[name] }] : []));
    if (flags.has('json')) {
      const shown = Object.fromEntries(gateways.map(({ name, ...usage }) => [name, usage]));
      return printJson({ user_id: id, username, gateways: shown });
    }
    const rows = gateways.flatMap(({ name, today, current_hour }) => [
      row(name, 'today', today),
      row(name, 'this hour', current_hour),
    ]);
    print(table(['GATEWAY', 'WINDOW (UTC)', 'TOKENS', 'LEFT', 'REQUESTS', 'LEFT'], rows));
  });
}

const row = (gateway: GatewayName, window: string, usage: WindowUsage) => [
  gateway,
  window,
  count(usage.total_tokens),
  count(usage.remaining_tokens),
  count(usage.total_requests),
  count(usage.remaining_requests),
];
