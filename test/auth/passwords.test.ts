import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import { afterEach, expect, it, vi } from 'vitest';
import { createPasswords } from '../../src/core/auth/passwords.js';
import { QUICK } from './parts.js';

/** The real thing, counted. */
const running = vi.hoisted(() => ({ now: 0, most: 0, verified: [] as string[] }));
vi.mock('argon2', async (original) => {
  const real = await original<typeof import('argon2')>();
  async function counted<T>(work: Promise<T>): Promise<T> {
    running.now += 1;
    running.most = Math.max(running.most, running.now);
    return work.finally(() => {
      running.now -= 1;
    });
  }
  return {
    ...real,
    hash: (text: string, options: object) => counted(real.hash(text, options)),
    verify: (digest: string, text: string) => {
      running.verified.push(digest);
      return counted(real.verify(digest, text));
    },
  };
});

afterEach(() => {
  Object.assign(running, { now: 0, most: 0, verified: [] });
});

it('hashes with argon2id and the parameters given', async () => {
  const passwords = createPasswords({ memory_kib: 128, iterations: 3, parallelism: 2 });
  const hash = await passwords.hash('secret words');
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=128,(t=3,p=2|p=2,t=3)\$/);
  expect(hash).not.toBe(await passwords.hash('secret words'));
  expect(await passwords.verify(hash, 'secret words')).toBe(true);
  expect(await passwords.verify(hash, 'Secret words')).toBe(false);
});

it('takes a password however its letters were typed', async () => {
  const passwords = createPasswords(QUICK);
  expect(await passwords.verify(await passwords.hash('caf\u00e9 au lait'), 'cafe\u0301 au lait')).toBe(true);
});

it('does the same work for an unknown user, from the first time on', async () => {
  const passwords = createPasswords(QUICK);
  const hash = await passwords.hash('secret words');
  expect(await passwords.verify(undefined, 'secret words')).toBe(false);
  expect(await passwords.verify(hash, 'wrong words')).toBe(false);
  const costs = running.verified.map((digest) => digest.split('$')[3]?.split(',').sort().join());
  expect(costs).toEqual(['m=64,p=1,t=1', 'm=64,p=1,t=1']);
  const sizes = running.verified.map((digest) =>
    digest
      .split('$')
      .slice(4)
      .map((part) => part.length),
  );
  expect(sizes[0]).toEqual(sizes[1]);
});

it('knows a hash of other parameters', async () => {
  const passwords = createPasswords(QUICK);
  expect(passwords.outdated(await passwords.hash('secret words'))).toBe(false);
  expect(createPasswords({ ...QUICK, iterations: 2 }).outdated(await passwords.hash('secret words'))).toBe(
    true,
  );
});

it('hashes two at a time, or leaves a core to others, and gets through all, failures included', async () => {
  const passwords = createPasswords(QUICK);
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) =>
      n % 5 ? passwords.hash('secret') : passwords.verify('no hash', 'secret'),
    ),
  );
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(4);
  expect(running.most).toBe(availableParallelism() > 2 ? 2 : 1);
  expect(await argon2.verify(await passwords.hash('after'), 'after')).toBe(true);
});
