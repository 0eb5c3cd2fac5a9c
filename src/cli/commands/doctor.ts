import { loadConfig } from '../../core/config.js';
import { secretPlace } from '../../core/places.js';
import { VERSION } from '../../core/version.js';
import type { Invocation } from '../command.js';
import { type Check, failed, ok } from '../doctor/check.js';
import { checkLogs, checkSecret, checkUpstream } from '../doctor/machine.js';
import { checkStore } from '../doctor/store.js';
import { isLocalOnly } from '../listen.js';
import { bold, dim, print, printJson } from '../output.js';

const MARKS: Record<Check['state'], string> = { ok: 'ok', warning: 'note', failed: 'FAIL' };

/** Exit code 1 where something would keep a server from working. */
export async function run({ values, flags }: Invocation): Promise<void> {
  const checks = [ok('version', `Parallama ${VERSION} on Node.js ${process.versions.node}`)];
  checks.push(...(await examine(values.config)));
  if (checks.some(({ state }) => state === 'failed')) process.exitCode = 1;
  if (flags.has('json')) return printJson({ ok: process.exitCode !== 1, checks });
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, state, detail } of checks) {
    const mark = MARKS[state].padEnd(4);
    const shown = state === 'ok' ? dim(mark) : bold(mark);
    print(`${shown}  ${name.padEnd(width)}  ${detail.replaceAll('\n', `\n${' '.repeat(width + 8)}`)}`);
  }
}

async function examine(file: string | undefined): Promise<Check[]> {
  try {
    const { config, source } = await loadConfig({ file });
    const { host, port, workers } = config.server;
    const open = config.auth.registration === 'open' && !isLocalOnly(host);
    return [
      ok('config', source ?? 'none: the defaults hold'),
      ...(await checkStore(config, source)),
      ...(await checkUpstream(config)),
      await checkSecret(secretPlace(config, source)),
      await checkLogs(config),
      ok(
        'server',
        `${host.startsWith('unix:') ? host : `${host}:${port}`}, ${workers === 1 ? 'one process' : `${workers} processes`}`,
      ),
      ...(open
        ? [{ name: 'server', state: 'warning', detail: `registration is open on ${host}` } as const]
        : []),
    ];
  } catch (error) {
    return [failed('config', error)];
  }
}
