/** The user that the server runs as. */
import { execFileSync } from 'node:child_process';
import type { Owner } from './place.js';
import { STATE, USER } from './unit.js';

/** Makes it where it is missing. @throws Error where the system refuses */
export function systemUser(): Owner & { made: boolean } {
  const known = idOf();
  if (known) return { ...known, made: false };
  execFileSync(
    'useradd',
    ['--system', '--user-group', '--home-dir', STATE, '--shell', '/usr/sbin/nologin', USER],
    { stdio: 'inherit' },
  );
  const made = idOf();
  if (!made) throw new Error(`The user ${USER} could not be made.`);
  return { ...made, made: true };
}

function idOf(): Owner | undefined {
  const id = (option: string) =>
    Number(execFileSync('id', [option, USER], { stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}
