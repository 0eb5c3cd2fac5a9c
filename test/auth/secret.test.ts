import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { claimSecret, loadSecrets } from '../../src/core/auth/secret.js';
import { failure } from './parts.js';
import { cleanUp, describeStores } from './stores.js';

const OLD = 'old secret of thirty-two bytes or more';
const NEW = 'new secret of thirty-two bytes or more';
const OTHER = 'other secret of thirty-two bytes or more';

describe('the secret file', () => {
  const { directory } = cleanUp();

  it('is made where it is missing, for its owner only', async () => {
    const beside = join(await directory(), 'new', 'place');
    const first = await loadSecrets({ beside });
    const file = join(beside, 'jwt_secret');
    expect(first).toMatchObject({ file, notice: expect.stringContaining(file), warning: undefined });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(first.all).toHaveLength(1);
    expect(first.all[0].bytes.length).toBeGreaterThanOrEqual(32);
    expect(await readdir(beside)).toEqual(['jwt_secret']);

    const second = await loadSecrets({ beside });
    expect(second.notice).toBeUndefined();
    expect(second.all).toEqual(first.all);
  });

  it('is taken from the configured path before any other', async () => {
    const beside = await directory();
    const file = join(beside, 'configured');
    await writeFile(file, OLD, { mode: 0o600 });
    const { all } = await loadSecrets({ file, beside });
    expect(Buffer.from(all[0].bytes).toString()).toBe(OLD);
    expect(await readdir(beside)).toEqual(['configured']);
  });

  it('has a secret a line; empty lines, line ends and doubles do not count', async () => {
    const file = join(await directory(), 'secret');
    await writeFile(file, `\r\n${NEW}\r\n\n  ${OLD} \n${NEW}`, { mode: 0o600 });
    const { all } = await loadSecrets({ file, beside: undefined });
    expect(all.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([NEW, OLD]);
    expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(2);
  });

  it.each([
    ['a short secret', `${OLD}\ntoo short`, 'has a secret of 9 bytes; each line needs 32 or more'],
    ['no secret', '\n\n', 'is empty'],
  ])('is refused with %s, without showing it', async (_, content, message) => {
    const file = join(await directory(), 'secret');
    await writeFile(file, content, { mode: 0o600 });
    const error = await failure(loadSecrets({ file, beside: undefined }));
    expect(String(error)).toContain(message);
    expect(String(error)).toContain(file);
    expect(String(error)).not.toContain('too short');
  });

  it('gives a warning where others can read it', async () => {
    const file = join(await directory(), 'secret');
    await writeFile(file, OLD);
    await chmod(file, 0o644);
    expect((await loadSecrets({ file, beside: undefined })).warning).toContain('(mode 644)');
  });

  it('is an error where it cannot be read or made', async () => {
    const path = await directory();
    await mkdir(join(path, 'folder'));
    await writeFile(join(path, 'file'), OLD);
    const load = (file: string) => failure(loadSecrets({ file: join(path, file), beside: undefined }));
    expect(String(await load('folder'))).toContain('cannot be read (EISDIR)');
    expect(String(await load('file/secret'))).toMatch(/cannot be (read|made) \(ENOTDIR\)/);
  });

  it('is one secret for many that start at once in one process', async () => {
    const beside = await directory();
    const loaded = await Promise.all(Array.from({ length: 40 }, () => loadSecrets({ beside })));
    expect(new Set(loaded.map(({ all }) => all[0].fingerprint)).size).toBe(1);
    expect(loaded.filter(({ notice }) => notice !== undefined)).toHaveLength(1);
    expect(await readdir(beside)).toEqual(['jwt_secret']);
  });

  it('is one secret for several processes that start at once', async () => {
    const beside = await directory();
    const module = join(await directory(), 'secret.mjs');
    const source = join(import.meta.dirname, '../../src/core/auth/secret.ts');
    await build({ entryPoints: [source], outfile: module, bundle: true, platform: 'node', format: 'esm' });
    const script = `
      const { loadSecrets } = await import(${JSON.stringify(module)});
      process.stdin.once('data', async () => {
        const { all } = await loadSecrets({ beside: ${JSON.stringify(beside)} });
        console.log(all[0].fingerprint);
        process.stdin.destroy();
      });
      console.log('ready');`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '--no-warnings', '-e', script]),
    );
    onTestFinished(() => {
      for (const child of children) child.kill();
    });
    const ends = children.map((child) => Promise.all([text(child.stdout), text(child.stderr)]));
    // A process that fails ends its output too, and its errors show below.
    await Promise.all(
      children.map((child) => Promise.race([once(child.stdout, 'data'), once(child, 'close')])),
    );
    for (const child of children) child.stdin.write('go\n');
    const outputs = await Promise.all(ends);
    expect(outputs.map(([, errors]) => errors).join('')).toBe('');
    const fingerprints = outputs.map(([output]) => output.trim().split('\n').at(-1));
    expect(fingerprints).toEqual(Array(4).fill((await loadSecrets({ beside })).all[0].fingerprint));
  });

  it('is not needed: without a place the secret is in memory', async () => {
    const one = await loadSecrets({ beside: undefined });
    const two = await loadSecrets({ beside: undefined });
    expect(one.file).toBeUndefined();
    expect(one.notice).toContain('in memory');
    expect(one.all[0].fingerprint).not.toBe(two.all[0].fingerprint);
  });
});

describeStores('the claim of a secret', (open) => {
  const { directory } = cleanUp();

  async function withLines(...lines: string[]) {
    const file = join(await directory(), 'secret');
    await writeFile(file, lines.join('\n'), { mode: 0o600 });
    return loadSecrets({ file, beside: undefined });
  }

  it('holds for all processes with that secret, and keeps others from starting', async () => {
    const store = await open();
    await Promise.all(Array.from({ length: 20 }, async () => claimSecret(store, await withLines(OLD))));
    const error = await failure(withLines(OTHER).then((secrets) => claimSecret(store, secrets)));
    expect(String(error)).toContain('another signing secret');
    expect(String(error)).toContain('auth.jwt_secret_file');
    const kept = JSON.stringify(await store.get('settings', 'jwt_secret'));
    for (const secret of [OLD, OTHER]) {
      expect(String(error)).not.toContain(secret);
      expect(kept).not.toContain(secret);
    }
    await claimSecret(store, await withLines(OLD));
  });

  it('follows a rotation step by step', async () => {
    const store = await open();
    await claimSecret(store, await withLines(OLD));
    const jumped = await withLines(NEW);
    await expect(claimSecret(store, jumped)).rejects.toThrow('another signing secret');
    await claimSecret(store, await withLines(NEW, OLD));
    await claimSecret(store, await withLines(NEW));
    const old = await withLines(OLD);
    await expect(claimSecret(store, old)).rejects.toThrow('another signing secret');
  });
});
