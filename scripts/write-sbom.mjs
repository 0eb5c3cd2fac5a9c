/**
 * Writes what the package brings along (its dependencies and theirs, as locked) as a software bill of materials in
 * CycloneDX's JSON. `node scripts/write-sbom.mjs [FILE]`; `npm pack` does it, so that the tarball carries it.
 *
 * npm makes it, of a package that is ours without what only developers need: asked with `--omit dev`, npm leaves out
 * what developers need as well.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const file = resolve(process.argv[2] ?? join(ROOT, 'sbom.json'));
const read = (name) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));

const { name, version, description, license, dependencies } = read('package.json');
const lock = read('package-lock.json');
const ours = Object.entries(lock.packages).filter(
  ([path, { dev, devOptional, peer }]) => path !== '' && !dev && !devOptional && !peer,
);

const directory = mkdtempSync(join(tmpdir(), 'sbom-'));
// npm takes the directory's name for the package's.
const place = join(directory, name);
try {
  mkdirSync(place);
  const write = (to, value) => writeFileSync(join(place, to), JSON.stringify(value));
  const manifest = { name, version, description, license, dependencies };
  write('package.json', manifest);
  write('package-lock.json', { ...lock, packages: { '': manifest, ...Object.fromEntries(ours) } });
  const options = ['--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'library'];
  // Debian's npm is of before 10, and has none.
  const known = spawnSync('npm', ['sbom', '--help'], { stdio: 'ignore' }).status === 0;
  const [command, ...before] = known ? ['npm'] : ['npx', '--yes', 'npm@11'];
  const sbom = execFileSync(command, [...before, 'sbom', ...options], { cwd: place, encoding: 'utf8' });
  writeFileSync(file, sbom);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
