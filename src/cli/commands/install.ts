import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadSecrets } from '../../core/auth/secret.js';
import type { Invocation } from '../command.js';
import { UsageError } from '../errors.js';
import { FIRST_CONFIG, SECRET } from '../install/config.js';
import { createPlacer, type Placed } from '../install/place.js';
import { CONFIG, LOGS, STATE, UNIT, USER, unit } from '../install/unit.js';
import { systemUser } from '../install/user.js';
import { note, print, printJson, table } from '../output.js';

export async function run({ values, flags }: Invocation): Promise<void> {
  const root = values.root === undefined ? undefined : resolve(values.root);
  if (root === undefined && process.getuid?.() !== 0) {
    throw new UsageError(
      'This writes into /etc and /var: run it as root, or with --root DIR to look at it first.',
    );
  }
  const placed = await place(root);
  if (flags.has('json')) return printJson(placed);
  print(
    table(
      ['FILE', ''],
      placed.map(({ path, what }) => [path, what]),
    ),
  );
  if (root !== undefined) return;
  warnOfHome();
  note(`
Next:
  sudoedit ${CONFIG}
  systemctl daemon-reload && systemctl enable --now parallama
  sudo -u ${USER} parallama-cli user create NAME --admin
Commands that write to an SQLite store run as ${USER}, as the server does: sudo -u ${USER} parallama-cli ...`);
}

async function place(root: string | undefined): Promise<Placed[]> {
  const placer = createPlacer(root);
  const user = root === undefined ? systemUser() : undefined;
  const readers = user && { uid: 0, gid: user.gid };
  const script = await realpath(process.argv[1] ?? '');
  const directories = [
    await placer.directory('/etc/parallama', 0o750, readers),
    await placer.directory(STATE, 0o750, user),
    await placer.directory(LOGS, 0o750, user),
  ];
  const config = await placer.file(CONFIG, FIRST_CONFIG, { mode: 0o640, owner: readers });
  const { notice: made } = await loadSecrets({ file: placer.at(SECRET), beside: undefined });
  if (made !== undefined) await placer.give(SECRET, 0o600, user);
  const secret: Placed = { path: placer.at(SECRET), what: made === undefined ? 'kept' : 'made' };
  const text = unit({ node: process.execPath, script });
  return [...directories, config, secret, await placer.file(UNIT, text, { mode: 0o644, ours: true })];
}

function warnOfHome(): void {
  const inHome = [process.execPath, process.argv[1] ?? ''].find((path) => /^\/(?:home|root)\//.test(path));
  if (inHome !== undefined) {
    note(
      `${inHome} lies in a home directory, which the user ${USER} may not be able to read: install it elsewhere.`,
    );
  }
}
