import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createAccessTokens } from '../../src/core/auth/access-tokens.js';
import { loadSecrets, type Secrets } from '../../src/core/auth/secret.js';
import { failure } from './parts.js';
import { cleanUp } from './stores.js';

const ANN = { id: '6f1c3f0e-0000-4000-8000-000000000000', username: 'Ann', generation: 3 };

async function setUp(now?: () => number) {
  const secrets = await loadSecrets({ beside: undefined });
  return { secrets, tokens: createAccessTokens({ secrets, ttl: 1_800, now }) };
}

/** A token signed with our secret, but not by us. */
function forge(
  secrets: Secrets,
  { alg = 'HS256', typ = 'JWT', ...claims }: JWTPayload & { alg?: string; typ?: string },
) {
  const [{ bytes, fingerprint }] = secrets.all;
  const now = Math.floor(Date.now() / 1_000);
  const usual = {
    iss: 'parallama',
    aud: 'parallama',
    sub: ANN.id,
    exp: now + 60,
    username: 'ann',
    generation: 3,
  };
  return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg, typ, kid: fingerprint }).sign(bytes);
}

describe('access tokens', () => {
  it('say who they were issued to', async () => {
    const { tokens } = await setUp();
    const token = await tokens.issue(ANN);
    const owner = { userId: ANN.id, username: 'ann', generation: 3 };
    expect(await tokens.verify(token)).toMatchObject(owner);
    expect(await tokens.verify(token)).toMatchObject(owner);
  });

  it('are HS256 for parallama, for 1800 seconds, each another', async () => {
    const { tokens, secrets } = await setUp();
    const token = await tokens.issue(ANN);
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'HS256',
      typ: 'JWT',
      kid: secrets.all[0].fingerprint,
    });
    const { iat = 0, ...claims } = decodeJwt(token);
    expect(claims).toMatchObject({ iss: 'parallama', aud: 'parallama', sub: ANN.id, exp: iat + 1_800 });
    expect(await tokens.issue(ANN)).not.toBe(token);
  });

  it('expire, those that were verified before too', async () => {
    let now = Date.now();
    const { tokens } = await setUp(() => now);
    const token = await tokens.issue(ANN);
    now += 1_798_000;
    expect(await tokens.verify(token)).toMatchObject({ userId: ANN.id });
    now += 2_000;
    expect(await failure(tokens.verify(token))).toMatchObject({ kind: 'expired_token', status: 401 });
  });

  it('are accepted as forged here, so that the refusals below mean something', async () => {
    const { tokens, secrets } = await setUp();
    expect(await tokens.verify(await forge(secrets, {}))).toMatchObject({ userId: ANN.id });
  });

  it.each<[string, (secrets: Secrets, ours: string) => string | Promise<string>]>([
    ['another audience', (secrets) => forge(secrets, { aud: 'billing' })],
    ['another issuer', (secrets) => forge(secrets, { iss: 'billing' })],
    ['no expiry', (secrets) => forge(secrets, { exp: undefined })],
    ['no user', (secrets) => forge(secrets, { sub: undefined })],
    ['no username', (secrets) => forge(secrets, { username: undefined })],
    ['a generation of another type', (secrets) => forge(secrets, { generation: '3' })],
    ['another algorithm', (secrets) => forge(secrets, { alg: 'HS512' })],
    ['another key under the same id', async (secrets) => forge(await stranger(secrets), {})],
    ['another key', async () => forge((await setUp()).secrets, {})],
    ['alg none', (_, ours) => new UnsecuredJWT(decodeJwt(ours)).encode()],
    [
      'alg none with a key id',
      (_, ours) => swapHeader(ours, { alg: 'none', kid: decodeProtectedHeader(ours).kid }, ''),
    ],
    [
      'alg none and the old signature',
      (_, ours) => swapHeader(ours, { ...decodeProtectedHeader(ours), alg: 'none' }),
    ],
    ['no key id', (_, ours) => swapHeader(ours, { alg: 'HS256' })],
    ['a key id of Object', (_, ours) => swapHeader(ours, { alg: 'HS256', kid: 'constructor' })],
    ['another payload', (_, ours) => swapPayload(ours, { ...decodeJwt(ours), sub: 'somebody else' })],
    ['a cut signature', (_, ours) => ours.slice(0, -2)],
    ['no token', () => 'a.b.c'],
    ['nothing', () => '..'],
  ])('are refused with %s', async (_, make) => {
    const { secrets, tokens } = await setUp();
    const token = await make(secrets, await tokens.issue(ANN));
    const error = await failure(tokens.verify(token));
    expect(error).toMatchObject({ kind: 'invalid_token', status: 401 });
    expect(JSON.stringify(error) + String(error)).not.toContain(token);
  });
});

describe('a rotated secret file', () => {
  const { directory } = cleanUp();

  it('signs with its first line and verifies with all', async () => {
    const file = join(await directory(), 'secret');
    const [older, newer] = ['an older secret of thirty-two bytes', 'a newer secret of thirty-two bytes'];
    const load = async (...lines: string[]) => {
      await writeFile(file, lines.join('\n'), { mode: 0o600 });
      return createAccessTokens({ secrets: await loadSecrets({ file, beside: undefined }), ttl: 60 });
    };
    const before = await load(older);
    const during = await load(newer, older);
    const after = await load(newer);
    const oldToken = await before.issue(ANN);
    const newToken = await during.issue(ANN);
    expect(await during.verify(oldToken)).toMatchObject({ userId: ANN.id });
    expect(await after.verify(newToken)).toMatchObject({ userId: ANN.id });
    expect(await failure(before.verify(newToken))).toMatchObject({ kind: 'invalid_token' });
    expect(await failure(after.verify(oldToken))).toMatchObject({ kind: 'invalid_token' });
  });
});

async function stranger({ all: [{ fingerprint }] }: Secrets): Promise<Secrets> {
  const { secrets } = await setUp();
  return { ...secrets, all: [{ ...secrets.all[0], fingerprint }] };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function swapHeader(token: string, header: object, signature = token.split('.')[2]): string {
  return `${encode(header)}.${token.split('.')[1]}.${signature}`;
}

function swapPayload(token: string, payload: object): string {
  const [header, , signature] = token.split('.');
  return `${header}.${encode(payload)}.${signature}`;
}
