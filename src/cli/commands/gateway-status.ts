import { runningProcesses, sumTraffic } from '../../core/observe/processes.js';
import { askUpstream } from '../../core/upstream/version.js';
import type { Invocation } from '../command.js';
import { note, print, printJson, table, time } from '../output.js';
import { withAdmin } from '../with-admin.js';

export async function run(invocation: Invocation): Promise<void> {
  const { flags } = invocation;
  await withAdmin(invocation, async (admin) => {
    const [processes, upstream] = await Promise.all([
      runningProcesses(admin.store),
      askUpstream(admin.config).catch(() => undefined),
    ]);
    const traffic = sumTraffic(processes);
    const working = processes.length === 0 ? 'stopped' : upstream ? 'operational' : 'degraded';
    const gateways = await Promise.all(
      admin.config.api_gateways.enabled.map(async (name) => {
        const { enabled } = await admin.gateways.get(name);
        return { name, status: enabled ? working : 'disabled', ...traffic[name] };
      }),
    );
    if (flags.has('json')) {
      return printJson({
        timestamp: `${new Date().toISOString().slice(0, 19)}Z`,
        gateways: Object.fromEntries(gateways.map(({ name, ...rest }) => [name, rest])),
        processes: processes.map(({ host, pid, started, version }) => ({ host, pid, started, version })),
      });
    }
    const rows = gateways.map((one) => [
      one.name,
      one.status,
      `${one.latency_ms} ms`,
      String(one.requests_per_second),
    ]);
    print(table(['GATEWAY', 'STATUS', 'LATENCY', 'REQUESTS/S'], rows));
    if (!upstream) note('Ollama does not answer; `parallama-cli doctor` tells more.');
    if (processes.length === 0) return note('No server runs on this store.');
    const running = processes.map((one) => [one.host, String(one.pid), time(one.started), one.version]);
    print(`\n${table(['HOST', 'PID', 'STARTED (UTC)', 'VERSION'], running)}`);
  });
}
