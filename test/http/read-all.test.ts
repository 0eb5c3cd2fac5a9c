import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { readAll } from '../../src/core/http/read-all.js';

test('all pieces, in one', async () => {
  expect(String(await readAll(Readable.from([Buffer.from('a'), Buffer.from('b')])))).toBe('ab');
  expect(await readAll(Readable.from([]))).toHaveLength(0);
});

test('an answer that is too long is given up, and its stream with it', async () => {
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(1_000));
    },
  });
  await expect(readAll(endless, 10_000)).rejects.toMatchObject({ kind: 'upstream_error' });
  expect(endless.destroyed).toBe(true);
  expect(await readAll(Readable.from([Buffer.alloc(10_000)]), 10_000)).toHaveLength(10_000);
});
