/** The store: whether it answers, and what it guarantees. */
import type { Config } from '../../core/config.js';
import { looseFiles } from '../../core/loose-files.js';
import { runningProcesses } from '../../core/observe/processes.js';
import { openConfiguredStore } from '../../core/store/configured.js';
import { type Check, failed, ok, warning } from './check.js';

const EVERYWHERE = 'limits are exact over any number of processes and machines';
const GUARANTEES: Record<string, string> = {
  sqlite: 'limits are exact over any number of processes on this machine',
  memory: 'limits are exact within one process, and forgotten with it',
  redis: EVERYWHERE,
  postgres: EVERYWHERE,
};
const OTHERS = 'limits are exact within one process';

export async function checkStore(config: Config, source: string | undefined): Promise<Check[]> {
  const started = performance.now();
  try {
    const { store, warning: loose } = await openConfiguredStore(config, source);
    try {
      await store.health();
      const ms = Math.round(performance.now() - started);
      const checks = [ok('store', `${store.kind} at ${store.place} answers in ${ms} ms`)];
      checks.push(ok('guarantee', GUARANTEES[store.kind] ?? OTHERS));
      if (store.notice) checks.push(warning('store', store.notice));
      if (loose) checks.push(warning('password', loose));
      for (const text of await looseFiles(store, config, source)) checks.push(warning('files', text));
      const running = await runningProcesses(store);
      const names = running.map(({ host, pid }) => `${host} ${pid}`).join(', ');
      checks.push(
        ok('servers', running.length === 0 ? 'none runs on this store' : `${running.length}: ${names}`),
      );
      return checks;
    } finally {
      await store.close();
    }
  } catch (error) {
    return [failed('store', error)];
  }
}
