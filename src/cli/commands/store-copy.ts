import { GATEWAYS } from '../../core/contract.js';
import { claimsFor, meaningsAt } from '../../core/limits/claims.js';
import { UNLIMITED } from '../../core/limits/types.js';
import { hourOf } from '../../core/limits/windows.js';
import type { Copied } from '../../core/store/copy.js';
import type { Invocation } from '../command.js';
import { UsageError } from '../errors.js';
import { note, print, printJson, table } from '../output.js';

export async function run({ args, flags }: Invocation): Promise<void> {
  const [source = '', target = ''] = args;
  const { openStore } = await import('../../core/store/open.js');
  const { copyStore } = await import('../../core/store/copy.js');
  const from = await openStore(source);
  const to = await openStore(target);
  try {
    if (from.kind === to.kind && from.place === to.place) throw new UsageError('FROM and TO are one store.');
    const now = Date.now();
    const copied = await copyStore({
      from,
      to,
      resume: flags.has('resume'),
      counters: {
        claims: GATEWAYS.flatMap((gateway) => claimsFor(gateway, meaningsAt(now, UNLIMITED))),
        from: `${hourOf(now).slice(0, 10)}T00`,
      },
      onProgress: showProgress,
    });
    endProgress();
    if (flags.has('json')) return printJson(asList(copied));
    const rows = asList(copied).map(({ part, count, checksum }) => [part, String(count), checksum]);
    print(table(['COPIED', 'COUNT', 'CHECKSUM'], rows));
    note(`Both stores are the same. Put ${to.place} into the configuration, with its password.`);
  } finally {
    endProgress();
    await from.close();
    await to.close();
  }
}

const asList = (copied: Copied) => Object.entries(copied).map(([part, digest]) => ({ part, ...digest }));

/** Only where somebody looks. */
function showProgress(part: string, count: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${part}: ${count.toLocaleString('en-US')}`);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}
