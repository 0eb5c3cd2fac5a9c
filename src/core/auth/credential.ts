/**
 * The form of API keys and refresh tokens: prefix, public id, secret, checksum.
 *
 * Letters and digits only, so that a double click selects the whole. The checksum tells a mistyped or cut one
 * without asking the store (and without taking it for a stolen one).
 */
import { hash, randomInt, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID = 16;
/** 190 bits. */
const SECRET = 32;
/** Six digits hold 32 bits. */
const CHECKSUM = 6;
const TAIL = ID + SECRET + CHECKSUM;
const SHAPE = new RegExp(`[0-9A-Za-z]{${TAIL}}$`);
/** Characters of the longest prefix that can be configured. */
const LONGEST_PREFIX = 32;

export interface Credential {
  /** Names the row in the store; no secret. */
  id: string;
  secret: string;
}

/**
 * @param id given where an old credential gets a new secret
 * @param secret given where it follows from another one
 * @returns the parts, and the text that its owner is shown once
 */
export function makeCredential(
  prefix: string,
  id = randomText(ID),
  secret = randomText(SECRET),
): Credential & { text: string } {
  const body = prefix + id + secret;
  return { id, secret, text: body + checksum(body) };
}

/** Undefined where the text is not a credential. Any prefix will do: keys outlive a change of the configured one. */
export function readCredential(text: string): Credential | undefined {
  if (text.length > LONGEST_PREFIX + TAIL || !SHAPE.test(text)) return undefined;
  const body = text.slice(0, -CHECKSUM);
  if (checksum(body) !== text.slice(-CHECKSUM)) return undefined;
  return { id: idIn(text), secret: body.slice(-SECRET) };
}

/** What stands in the place of the id, in a credential or in any other text. */
export function idIn(text: string): string {
  return text.slice(-TAIL, -(SECRET + CHECKSUM));
}

/**
 * The same text, on its own. What V8 cuts out of a text keeps the whole of it in memory, and clients choose how much
 * stands around a credential in its header.
 */
export function ownText(text: string): string {
  return Buffer.from(text).toString();
}

export function randomText(length: number): string {
  return Array.from({ length }, () => DIGITS[randomInt(DIGITS.length)]).join('');
}

/** What is kept of a secret: SHA-256. A slow hash protects guessable passwords; these have 190 random bits. */
export function secretHash(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

export function hasHash(secret: string, kept: string): boolean {
  return sameHash(secretHash(secret), kept);
}

/** Compares in constant time. */
export function sameHash(hash: string, kept: string): boolean {
  const actual = Buffer.from(hash);
  const expected = Buffer.from(kept);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}

/** Of texts that somebody has chosen, in constant time: hashed first, because only equal lengths compare so. */
export function sameSecret(given: string, secret: string): boolean {
  return hasHash(given, secretHash(secret));
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let place = 0; place < CHECKSUM; place += 1) {
    text = DIGITS[rest % DIGITS.length] + text;
    rest = Math.floor(rest / DIGITS.length);
  }
  return text;
}
