import { runningProcesses, sumTraffic } from '../../core/observe/processes.js';
import type { Invocation } from '../command.js';
import { readSpan } from '../dates.js';
import { gatewaysNamed } from '../gateway-name.js';
import { count, note, print, printJson, table } from '../output.js';
import { withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { values, flags } = invocation;
  const names = gatewaysNamed(values.gateway);
  await withAdmin(invocation, async (admin) => {
    const { end: day, span } = readSpan(invocation, { days: 1 });
    const [today, processes] = await Promise.all([
      admin.reports.byGateway(span),
      runningProcesses(admin.store),
    ]);
    const traffic = sumTraffic(processes);
    if (flags.has('json')) {
      return printJson({
        date: day,
        gateways: Object.fromEntries(
          names.map((name) => [name, { today: today[name], last_minute: traffic[name] }]),
        ),
        processes: processes.length,
      });
    }
    const rows = names.map((name) => {
      const { requests, prompt_tokens, completion_tokens, errors, aborted, latency_ms } = today[name];
      return [
        name,
        ...[requests, prompt_tokens, completion_tokens, errors, aborted].map(count),
        `${count(latency_ms)} ms`,
        String(traffic[name].requests_per_second),
        `${count(traffic[name].latency_ms)} ms`,
      ];
    });
    const head = ['REQUESTS', 'PROMPT', 'COMPLETION', 'ERRORS', 'ABORTED', 'LATENCY', 'NOW/S', 'NOW'];
    print(table(['GATEWAY', ...head], rows));
    note(
      `Today (${day}, UTC): requests, tokens, mean latency. Now: the last minute, ${processes.length} running.`,
    );
  });
}
