/** Puts files where they belong; what is there and may have been changed by people stays. */
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface Owner {
  uid: number;
  gid: number;
}

export interface Placed {
  path: string;
  what: 'made' | 'kept' | 'updated';
}

/** Below `root`, whose owner stays whoever runs this; without a root, everything is given to its owner. */
export function createPlacer(root: string | undefined) {
  const at = (path: string) => (root === undefined ? path : join(root, path));
  const give = async (path: string, mode: number, owner: Owner | undefined) => {
    await chmod(at(path), mode);
    if (owner && root === undefined) await chown(at(path), owner.uid, owner.gid);
  };

  return {
    at,
    give,

    async directory(path: string, mode: number, owner?: Owner): Promise<Placed> {
      const made = await mkdir(at(path), { recursive: true });
      if (made === undefined) return { path: at(path), what: 'kept' };
      await give(path, mode, owner);
      return { path: at(path), what: 'made' };
    },

    /** `ours`: nobody else changes it, so that a newer one takes its place. */
    async file(
      path: string,
      text: string,
      { mode, owner, ours = false }: { mode: number; owner?: Owner; ours?: boolean },
    ): Promise<Placed> {
      const before = await readFile(at(path), 'utf8').catch(() => undefined);
      if (before !== undefined && (!ours || before === text)) return { path: at(path), what: 'kept' };
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), text, { mode });
      await give(path, mode, owner);
      return { path: at(path), what: before === undefined ? 'made' : 'updated' };
    },
  };
}
