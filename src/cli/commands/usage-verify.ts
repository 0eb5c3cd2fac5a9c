import { verifyUsage } from '../../core/usage/verify.js';
import type { Invocation } from '../command.js';
import { count, note, print, printJson, table } from '../output.js';
import { withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  await withAdmin(invocation, async (admin) => {
    const { checked, differences } = await verifyUsage(admin.store);
    if (differences.length > 0) process.exitCode = 1;
    if (invocation.flags.has('json')) return printJson({ checked, differences });
    if (differences.length === 0) {
      return print(`Counters and history agree (${count(checked)} counters of the last 24 hours).`);
    }
    const rows = differences.map((one) => [
      one.user_id,
      one.gateway,
      one.counts,
      one.window,
      count(one.counter),
      count(one.history),
    ]);
    print(table(['USER', 'GATEWAY', 'COUNTS', 'WINDOW (UTC)', 'COUNTER', 'HISTORY'], rows));
    note(`${differences.length} of ${count(checked)} counters differ from the history.`);
  });
}
