/**
 * Access tokens: JWTs that every process with the secret can check without asking the store.
 *
 * What they say is who; whether that user still exists, in that generation, is the authenticator's to see.
 */
import { webcrypto } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { ownText, randomText } from './credential.js';
import type { Secrets } from './secret.js';
import { unauthorized } from './unauthorized.js';
import { checkUsername } from './user.js';

/** Whom a token was issued to. */
export interface TokenOwner {
  userId: string;
  /** Row id of the user. */
  username: string;
  generation: number;
}

export interface AccessTokens {
  issue(user: { id: string; username: string; generation: number }): Promise<string>;
  /** @throws GatewayError `expired_token` for a token of ours whose time is over, `invalid_token` for all others */
  verify(token: string): Promise<TokenOwner>;
}

const ALGORITHM = 'HS256';
/** Issuer and audience: another application that shares the secret cannot have its tokens accepted here. */
const PARALLAMA = 'parallama';
/** A signature stays right, so it need not be checked (some 70 microseconds) with every request of a session. */
const REMEMBERED_TOKENS = 10_000;
/** Characters. Ours have some 400. */
const LONGEST_TOKEN = 2_048;

/**
 * @param options.ttl seconds
 * @param options.now milliseconds since 1970
 */
export function createAccessTokens({
  secrets,
  ttl,
  now = Date.now,
}: {
  secrets: Secrets;
  ttl: number;
  now?: () => number;
}): AccessTokens {
  const signer = secrets.all[0].fingerprint;
  const keys = new Map(secrets.all.map(({ fingerprint, bytes }) => [fingerprint, importKey(bytes)]));
  const remembered = new LRUCache<string, TokenOwner & { expiresAt: number }>({ max: REMEMBERED_TOKENS });

  function keyOf(id: string | undefined): Promise<webcrypto.CryptoKey> {
    const key = id === undefined ? undefined : keys.get(id);
    if (!key) throw unauthorized('invalid_token');
    return key;
  }

  async function check(token: string): Promise<TokenOwner & { expiresAt: number }> {
    if (token.length > LONGEST_TOKEN || !isExact(token.slice(token.lastIndexOf('.') + 1)))
      throw unauthorized('invalid_token');
    const { payload } = await jwtVerify(token, ({ kid }) => keyOf(kid), {
      algorithms: [ALGORITHM],
      issuer: PARALLAMA,
      audience: PARALLAMA,
      currentDate: new Date(now()),
    });
    const { sub, exp, username, generation } = payload;
    if (
      sub === undefined ||
      exp === undefined ||
      typeof username !== 'string' ||
      typeof generation !== 'number'
    ) {
      throw unauthorized('invalid_token');
    }
    return { userId: sub, username, generation, expiresAt: exp * 1_000 };
  }

  return {
    async issue({ id, username, generation }) {
      const issuedAt = Math.floor(now() / 1_000);
      return new SignJWT({ username: checkUsername(username), generation })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: signer })
        .setIssuer(PARALLAMA)
        .setAudience(PARALLAMA)
        .setSubject(id)
        .setJti(randomText(16))
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ttl)
        .sign(await keyOf(signer));
    },

    async verify(token) {
      const known = remembered.get(token);
      if (known && known.expiresAt > now()) return known;
      try {
        const owner = await check(token);
        remembered.set(ownText(token), owner);
        return owner;
      } catch (error) {
        // Without the cause: it can hold the token's contents.
        throw unauthorized(error instanceof errors.JWTExpired ? 'expired_token' : 'invalid_token');
      }
    },
  };
}

/** One token has one text: decoders overlook padding and the spare bits of a last letter. */
function isExact(signature: string): boolean {
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

function importKey(secret: Uint8Array): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ]);
}
