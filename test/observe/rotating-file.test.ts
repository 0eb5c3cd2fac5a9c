import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openRotatingFile } from '../../src/core/observe/rotating-file.js';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parallama-logs-'));
  path = join(directory, 'api.log');
});
afterEach(() => rm(directory, { recursive: true }));

function open({ maxSize = 1_000, maxFiles = 1_000, onTrouble = vi.fn(), at = path } = {}) {
  return { ...openRotatingFile(at, { maxSize, maxFiles, onTrouble }), onTrouble };
}

/** Every file of the log, oldest first. */
async function logFiles(): Promise<string[]> {
  const names = (await readdir(directory)).sort();
  return [...names.filter((name) => name !== 'api.log'), 'api.log'];
}

async function lines(names: string[]): Promise<string[]> {
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return texts.join('').split('\n').slice(0, -1);
}

/** Longer than lines are gathered for. */
const gathered = () => new Promise((resolve) => setTimeout(resolve, 40));
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `line ${from + n}`);

describe('a rotating file', () => {
  it('writes what was given by itself, a moment later', async () => {
    const file = open();
    file.write('a\n');
    file.write('b\n');
    await gathered();
    expect(await readFile(path, 'utf8')).toBe('a\nb\n');
    file.close();
  });

  it('goes on with the file that is there', async () => {
    await writeFile(path, 'before\n');
    const file = open();
    file.write('after\n');
    file.close();
    expect(await lines(['api.log'])).toEqual(['before', 'after']);
  });

  it('starts anew when it is full, and loses nothing', async () => {
    const file = open({ maxSize: 100 });
    for (const line of numbers(0, 200)) file.write(`${line}\n`);
    file.close();
    const names = await logFiles();
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) expect((await stat(join(directory, name))).size).toBeLessThanOrEqual(100);
    expect(await lines(names)).toEqual(numbers(0, 200));
    expect(file.onTrouble).not.toHaveBeenCalled();
  });

  it('counts the bytes of a file that was there', async () => {
    await writeFile(path, `${'x'.repeat(94)}\n`);
    const file = open({ maxSize: 100 });
    file.write('line 0\n');
    file.close();
    expect(await lines(['api.log'])).toEqual(['line 0']);
  });

  it('counts bytes, not characters', async () => {
    const file = open({ maxSize: 100 });
    for (let n = 0; n < 10; n++) file.write(`${'ö'.repeat(20)}\n`);
    file.close();
    for (const name of await logFiles())
      expect((await stat(join(directory, name))).size).toBeLessThanOrEqual(100);
  });

  it.each([1, 2, 3])('keeps %d files, the newest', async (maxFiles) => {
    const file = open({ maxSize: 100, maxFiles });
    for (const line of numbers(0, 200)) file.write(`${line}\n`);
    file.close();
    const names = await logFiles();
    expect(names).toHaveLength(maxFiles);
    const kept = await lines(names);
    expect(kept).toEqual(numbers(200 - kept.length, 200));
  });

  it('leaves files alone that only look alike', async () => {
    const others = ['api.log.gz', 'api.log.1', 'api.log.2026-11-23', 'xapi.log.2026-11-23T04-05-06.789Z-1'];
    for (const name of others) await writeFile(join(directory, name), '');
    const file = open({ maxSize: 100, maxFiles: 1 });
    for (const line of numbers(0, 50)) file.write(`${line}\n`);
    file.close();
    expect((await readdir(directory)).sort()).toEqual([...others, 'api.log'].sort());
  });

  it('gives a line that is too long a file of its own', async () => {
    const file = open({ maxSize: 100 });
    const long = 'x'.repeat(500);
    for (const line of ['a', long, 'b']) file.write(`${line}\n`);
    file.close();
    const names = await logFiles();
    expect(await Promise.all(names.map((name) => lines([name])))).toEqual([['a'], [long], ['b']]);
  });

  it('goes on in the new file after the old one was moved and it was told', async () => {
    const file = open();
    file.write('a\n');
    await gathered();
    await rename(path, `${path}.1`);
    file.write('b\n');
    await gathered();
    file.reopen();
    file.write('c\n');
    file.close();
    expect(await lines(['api.log.1'])).toEqual(['a', 'b']);
    expect(await lines(['api.log'])).toEqual(['c']);
  });

  it('notices by itself that the file was deleted', async () => {
    const file = open();
    file.write('a\n');
    await gathered();
    await rm(path);
    file.write('b\n');
    file.close();
    expect(await lines(['api.log'])).toEqual(['b']);
    expect(file.onTrouble).not.toHaveBeenCalled();
  });

  it('drops what comes after its end', async () => {
    const file = open();
    file.close();
    file.write('late\n');
    file.reopen();
    file.flush();
    file.close();
    expect(await readFile(path, 'utf8')).toBe('');
  });

  it('throws where it cannot be opened', () => {
    expect(() => open({ at: join(directory, 'none', 'api.log') })).toThrow('ENOENT');
  });

  it('says once that the disk is full, and goes on when it no longer is', async () => {
    await symlink('/dev/full', path);
    const file = open();
    for (const line of ['a\n', 'b\n', 'c\n']) {
      file.write(line);
      await gathered();
    }
    expect(file.onTrouble).toHaveBeenCalledTimes(1);
    expect(file.onTrouble.mock.calls[0]?.[0]).toMatchObject({ code: 'ENOSPC' });
    await rm(path);
    file.reopen();
    file.write('d\n');
    file.close();
    expect(await lines(['api.log'])).toEqual(['d']);
  });

  it('goes on in a full file that cannot be moved, and says so once', async () => {
    // As long as a name may be: the longer one of a full file is refused.
    const name = 'x'.repeat(255);
    const file = open({ maxSize: 20, at: join(directory, name) });
    for (const line of numbers(0, 9)) {
      file.write(`${line}\n`);
      await gathered();
    }
    file.close();
    expect(await lines([name])).toEqual(numbers(0, 9));
    expect(file.onTrouble).toHaveBeenCalledTimes(1);
    expect(file.onTrouble.mock.calls[0]?.[0]).toMatchObject({ code: 'ENAMETOOLONG' });
  });

  it('does not move the new file of another that moved the full one', async () => {
    const one = open({ maxSize: 100 });
    const other = open({ maxSize: 100 });
    one.write(`${'x'.repeat(98)}\n`);
    one.flush();
    one.write('one\n');
    one.flush();
    other.write('other\n');
    other.close();
    one.close();
    expect(await logFiles()).toHaveLength(2);
    expect(await lines(['api.log'])).toEqual(['one', 'other']);
  });

  it('is shared by processes without a line lost or torn', async () => {
    const module = fileURLToPath(new URL('../../src/core/observe/rotating-file.ts', import.meta.url));
    const writer = `
      const { openRotatingFile } = await import(${JSON.stringify(module)});
      const onTrouble = (error) => { throw error; };
      const file = openRotatingFile(${JSON.stringify(path)}, { maxSize: 4000, maxFiles: 1000, onTrouble });
      for (let n = 0; n < 1500; n++) {
        file.write(process.argv[1] + ' ' + n + '\\n');
        if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      file.close();`;
    const run = (name: string) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', writer, name]);
    await Promise.all(['x', 'y', 'z'].map(run));
    const written = await lines(await logFiles());
    const expected = ['x', 'y', 'z'].flatMap((name) =>
      Array.from({ length: 1500 }, (_, n) => `${name} ${n}`),
    );
    expect(written.sort()).toEqual(expected.sort());
    // 29 kB; where all three have looked before one of them writes, a file has three batches of 4 kB at the most.
    expect((await logFiles()).length).toBeGreaterThanOrEqual(3);
  });
});
