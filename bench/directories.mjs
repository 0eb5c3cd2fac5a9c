/** Directories for what subjects write; gone with the run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made = [];

export function newDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'parallama-bench-'));
  made.push(directory);
  return directory;
}

/** When those that write to them have been killed. */
export function removeDirectories() {
  for (const directory of made) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
