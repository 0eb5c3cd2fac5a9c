import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new directory that is removed with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'parallama-store-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
