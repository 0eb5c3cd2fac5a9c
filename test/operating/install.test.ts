import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { USUAL, unit } from '../../src/cli/install/unit.js';
import { parseConfig } from '../../src/core/config.js';
import { directory, run } from '../cli/run.js';
import { findProgram } from '../support/services/debian.js';

const shell = promisify(execFile);
const SERVICE = new URL('../../deploy/parallama.service', import.meta.url);

const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

test('what install writes below a root; what people may have changed stays', async () => {
  const cwd = await directory();
  const root = join(cwd, 'root');
  const first = await run(cwd, ['install', '--root', root, '--json']);
  expect(first).toMatchObject({ status: 0, stderr: '' });
  const placed: { path: string; what: string }[] = JSON.parse(first.stdout);
  expect(placed.map(({ path, what }) => [path.slice(root.length), what])).toEqual([
    ['/etc/parallama', 'made'],
    ['/var/lib/parallama', 'made'],
    ['/var/log/parallama', 'made'],
    ['/etc/parallama/config.yaml', 'made'],
    ['/etc/parallama/jwt_secret', 'made'],
    ['/etc/systemd/system/parallama.service', 'made'],
  ]);
  const config = join(root, 'etc/parallama/config.yaml');
  expect(await mode(join(root, 'etc/parallama'))).toBe('750');
  expect(await mode(config)).toBe('640');
  expect(await mode(join(root, 'etc/parallama/jwt_secret'))).toBe('600');
  expect(parseConfig(await readFile(config, 'utf8'), 'config.yaml')).toMatchObject({
    server: { host: '127.0.0.1', port: 8000 },
    store: { url: 'sqlite:/var/lib/parallama/parallama.db' },
    auth: { registration: 'closed', jwt_secret_file: '/etc/parallama/jwt_secret' },
    logging: { directory: '/var/log/parallama' },
  });

  await writeFile(config, '# mine\n');
  const service = join(root, 'etc/systemd/system/parallama.service');
  await writeFile(service, 'of an older version');
  const again = await run(cwd, ['install', '--root', root]);
  expect(again.stdout).toMatch(/config\.yaml +kept\n/);
  expect(again.stdout).toMatch(/jwt_secret +kept\n/);
  expect(again.stdout).toMatch(/parallama\.service +updated\n/);
  expect(await readFile(config, 'utf8')).toBe('# mine\n');
  expect(await readFile(service, 'utf8')).toContain('\nEnvironment=MALLOC_ARENA_MAX=2\n');
  expect(await readFile(service, 'utf8')).toContain(
    `ExecStart=${process.execPath} --max-semi-space-size=16 ${process.cwd()}/bin/parallama-cli.cjs serve --config /etc/parallama/config.yaml\n`,
  );
});

test('deploy/parallama.service is the unit that install writes, for a package in its usual place', () => {
  expect(readFileSync(SERVICE, 'utf8')).toBe(unit(USUAL));
});

test('systemd takes the unit', async () => {
  const analyze = await findProgram({ name: 'systemd-analyze', debianPackage: 'systemd' });
  const cwd = await directory();
  const file = join(cwd, 'parallama.service');
  const script = join(process.cwd(), 'bin/parallama-cli.cjs');
  // With programs that are there: it looks for them.
  await writeFile(file, unit({ node: process.execPath, script }));
  const { stdout, stderr } = await shell(analyze, ['verify', '--man=no', file]);
  // It reads other units of the machine along with it.
  const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('parallama'));
  expect(about).toEqual([]);
  const { stdout: security } = await shell(analyze, ['security', '--offline=true', '--threshold=20', file]);
  expect(security).toMatch(/Overall exposure level for parallama\.service: [01]\.\d/);
});
