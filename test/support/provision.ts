/**
 * Before any test: the programs that tests start are found, or installed once where this may be done, so that no test
 * waits for apt. One that cannot be had is no failure here: the tests that need it say so.
 */
import { findProgram, type Program } from './services/debian.js';

const NEEDED: Program[] = [
  { name: 'redis-server', debianPackage: 'redis-server' },
  { name: 'postgres', debianPackage: 'postgresql', places: ['/usr/lib/postgresql/*/bin'] },
  { name: 'promtool', debianPackage: 'prometheus' },
  { name: 'systemd-analyze', debianPackage: 'systemd' },
];

export async function setup(): Promise<void> {
  for (const program of NEEDED) await findProgram(program).catch(() => undefined);
}
