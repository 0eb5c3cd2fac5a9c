import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin/parallama-cli.cjs', import.meta.url));

/** Runs the file as a Node of another version would see it. */
const runAs = (version: string) =>
  spawnSync(
    process.execPath,
    [
      '-e',
      `Object.defineProperty(process.versions, 'node', { value: '${version}' }); require(${JSON.stringify(BIN)})`,
    ],
    { encoding: 'utf8' },
  );

test.each(['0.12.18', '18.20.4', '22.18.0'])('Node %s is told what is needed', (version) => {
  const { status, stdout, stderr } = runAs(version);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain(`Parallama needs Node.js 22.19 or newer; this is ${version}`);
  expect(stderr).toContain('https://nodejs.org/');
});

test.each(['22.19.0', '23.0.0', '24.1.0'])('Node %s will do', (version) => {
  expect(runAs(version).stderr).not.toContain('needs Node.js');
});
