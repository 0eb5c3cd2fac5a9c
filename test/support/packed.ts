/** The package as users get it: packed, unpacked elsewhere, and linked into projects of their own. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const REPOSITORY = resolve(import.meta.dirname, '../..');

export interface Packed {
  /** Paths within the package. */
  files: string[];
  /** Bytes when unpacked. */
  size: number;
  /**
   * A project that has the package and some of the repository's own installed, without asking any registry.
   * @param from copied into it
   * @returns its directory
   */
  project(options: { from?: string; packages?: string[] }): Promise<string>;
  remove(): Promise<void>;
}

/** Needs `npm run build` before it. */
export async function pack(): Promise<Packed> {
  const directory = await mkdtemp(join(tmpdir(), 'parallama-packed-'));
  const options = ['--json', '--ignore-scripts', '--pack-destination', directory];
  const { stdout } = await run('npm', ['pack', ...options], { cwd: REPOSITORY });
  // A list, or since npm 12 an object by package name.
  const [packed] = Object.values(JSON.parse(stdout)) as [Tarball];
  if (!packed.files.some(({ path }) => path === 'dist/index.d.ts'))
    throw new Error('Run `npm run build` first.');
  await run('tar', ['-xzf', join(directory, packed.filename), '-C', directory]);
  const unpacked = join(directory, 'package');
  await symlink(join(REPOSITORY, 'node_modules'), join(unpacked, 'node_modules'));
  let projects = 0;

  return {
    files: packed.files.map(({ path }) => path),
    size: packed.unpackedSize,
    async project({ from, packages = [] }) {
      projects += 1;
      const project = join(directory, `project-${projects}`);
      const modules = join(project, 'node_modules');
      await mkdir(modules, { recursive: true });
      if (from !== undefined) await cp(resolve(REPOSITORY, from), project, { recursive: true });
      await symlink(unpacked, join(modules, 'parallama'));
      for (const name of packages) {
        await mkdir(resolve(modules, name, '..'), { recursive: true });
        await symlink(join(REPOSITORY, 'node_modules', name), join(modules, name));
      }
      return project;
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

interface Tarball {
  filename: string;
  unpackedSize: number;
  files: { path: string }[];
}

/** The examples there are. */
export const examples = async (): Promise<string[]> =>
  (await readdir(join(REPOSITORY, 'examples'), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
