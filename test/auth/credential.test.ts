import { expect, it } from 'vitest';
import { hasHash, makeCredential, readCredential, secretHash } from '../../src/core/auth/credential.js';

it('reads what it made', () => {
  const { id, secret, text } = makeCredential('pk_live_');
  expect(text).toMatch(/^pk_live_[0-9A-Za-z]{54}$/);
  expect(readCredential(text)).toEqual({ id, secret });
});

it('uses every letter and digit, and never makes the same twice', () => {
  const made = Array.from({ length: 200 }, () => makeCredential(''));
  expect(new Set(made.map(({ id }) => id)).size).toBe(200);
  expect(new Set(made.map(({ secret }) => secret).join('')).size).toBe(62);
});

it('refuses every slip of one character, two swapped ones, and a cut', () => {
  const { text } = makeCredential('pk_live_');
  for (let at = 0; at < text.length; at += 1) {
    const other = text[at] === 'x' ? 'y' : 'x';
    expect(readCredential(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined();
    expect(readCredential(text.slice(0, at))).toBeUndefined();
    const swapped = text.slice(0, at) + (text[at + 1] ?? '') + text[at] + text.slice(at + 2);
    if (swapped !== text) expect(readCredential(swapped)).toBeUndefined();
  }
});

it.each(['', 'x', 'sk-abcdef', 'ü'.repeat(80), '0'.repeat(60), 'pk_live_'])('refuses %j', (text) => {
  expect(readCredential(text)).toBeUndefined();
});

it('compares a secret with its hash', () => {
  const { secret } = makeCredential('');
  expect(secretHash(secret)).not.toContain(secret);
  expect(hasHash(secret, secretHash(secret))).toBe(true);
  expect(hasHash(`${secret}x`, secretHash(secret))).toBe(false);
  expect(hasHash(secret, 'short')).toBe(false);
});
