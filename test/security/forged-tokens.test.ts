/** What is no good access token opens nothing, wherever it is shown; and no credential stands for one of another kind. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, exportJWK, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

const SECRET = 'the-secret-that-signs-what-this-server-gives-out';
const RETIRED = 'the-secret-that-signed-before-it-and-is-taken-out';

let directory: string;
let rig: Rig;
let ours: string;
let refresh: string;
let key: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parallama-test-'));
  const jwt_secret_file = join(directory, 'jwt_secret');
  await writeFile(jwt_secret_file, `${SECRET}\n`, { mode: 0o600 });
  rig = await startRig({ config: { auth: { jwt_secret_file } } });
  ({ key } = await rig.user('basic', 'ann'));
  await rig.user('admin', 'root');
  const { json } = await send(rig.url, '/auth/login', {
    body: { username: 'ann', password: 'a-good-password' },
  });
  ({ access_token: ours, refresh_token: refresh } = json as { access_token: string; refresh_token: string });
});
afterAll(async () => {
  await rig.close();
  await rm(directory, { recursive: true, force: true });
});

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const fingerprint = (secret: string) =>
  createHmac('sha256', secret).update('parallama fingerprint').digest('base64url').slice(0, 16);

/** A token as ours is, but for what is changed. */
function signed(
  payload: JWTPayload,
  { header = {}, secret = SECRET }: { header?: object; secret?: string } = {},
) {
  const head = { ...decodeProtectedHeader(ours), ...header, alg: 'HS256' };
  return new SignJWT({ ...decodeJwt(ours), ...payload }).setProtectedHeader(head).sign(Buffer.from(secret));
}

const now = () => Math.floor(Date.now() / 1_000);

test('one that is forged with the secret is taken, so that the refusals below mean something', async () => {
  expect((await send(rig.url, '/admin/v1/usage', { key: await signed({}) })).status).toBe(200);
});

const FORGED: [string, () => string | Promise<string>][] = [
  ['alg none', () => `${base64({ ...decodeProtectedHeader(ours), alg: 'none' })}.${ours.split('.')[1]}.`],
  [
    'alg none in other letters',
    () => `${base64({ ...decodeProtectedHeader(ours), alg: 'nOnE' })}.${ours.split('.')[1]}.`,
  ],
  ['another secret', () => signed({}, { secret: RETIRED })],
  [
    'a secret that was taken out of the file',
    () => signed({}, { secret: RETIRED, header: { kid: fingerprint(RETIRED) } }),
  ],
  [
    'an empty secret',
    () => {
      const content = ours.split('.').slice(0, 2).join('.');
      return `${content}.${createHmac('sha256', '').update(content).digest('base64url')}`;
    },
  ],
  ['another audience', () => signed({ aud: 'billing' })],
  ['another issuer', () => signed({ iss: 'billing' })],
  ['a time that is over', () => signed({ iat: now() - 7_200, exp: now() - 3_600 })],
  ['a time that has not begun', () => signed({ nbf: now() + 3_600 })],
  ['a time that is no number', () => signed({ exp: 'never' as unknown as number })],
  ['a user that is not there', () => signed({ username: 'nobody', sub: 'nobody' })],
  ["another user's name", () => signed({ username: 'root' })],
  ["another user's id", () => signed({ sub: 'root' })],
  ['a name of a prototype', () => signed({ username: '__proto__', sub: undefined })],
  ['another generation', () => signed({ generation: 2 })],
  [
    'a key that it brings along, as jwk',
    async () => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
      return new SignJWT(decodeJwt(ours))
        .setProtectedHeader({ ...decodeProtectedHeader(ours), alg: 'RS256', jwk: await exportJWK(publicKey) })
        .sign(privateKey);
    },
  ],
  [
    'a key that it names, as jku',
    () =>
      signed(
        {},
        { secret: RETIRED, header: { jku: `${rig.simulator.url}/keys`, x5u: `${rig.simulator.url}/cert` } },
      ),
  ],
  [
    'a key id that is a path',
    () =>
      signed({}, { secret: '', header: { kid: '../../../../dev/null' } }).catch(
        () => `${base64({ alg: 'HS256', kid: '../../../../dev/null' })}.${ours.split('.')[1]}.AAAA`,
      ),
  ],
  [
    'a header that must be understood',
    () =>
      signed({}, { header: { crit: ['exp-or-die'], 'exp-or-die': 1 } }).catch(
        () =>
          `${base64({ ...decodeProtectedHeader(ours), crit: ['exp-or-die'], 'exp-or-die': 1 })}.${ours.split('.').slice(1).join('.')}`,
      ),
  ],
  ['its end cut off', () => ours.slice(0, -1)],
  ['no signature', () => ours.replace(/[^.]*$/, '')],
  ['a part too few', () => ours.split('.').slice(0, 2).join('.')],
  ['a part too many', () => `${ours}.${ours.split('.')[2]}`],
  ['five parts, as if it were encrypted', () => `${ours}..`],
  ['something after it', () => `${ours} x`],
  ['something before it', () => `x ${ours}`],
  ['quotes around it', () => `"${ours}"`],
  ['padding', () => `${ours}=`],
  // 43 letters hold two bits more than the signature has.
  [
    'a last letter that only differs in spare bits',
    () => ours.slice(0, -1) + LETTERS[LETTERS.indexOf(ours.at(-1)!) ^ 1],
  ],
  ['spaces in it', () => ours.replace('.', '. ')],
];

describe.each(['/admin/v1/usage', '/openai/v1/models', '/ollama/api/tags', '/auth/keys'])('on %s', (path) => {
  test.each(FORGED)('a token with %s is 401', async (_, make) => {
    const token = await make();
    const asked = rig.simulator.requests.length;
    const { status, text } = await send(rig.url, path, { key: token });
    expect(status).toBe(401);
    expect(text).not.toContain(token);
    expect(rig.simulator.requests.length).toBe(asked);
  });
});

describe('a credential of one kind', () => {
  const token = async (refresh_token: string) =>
    (await send(rig.url, '/auth/token', { body: { refresh_token } })).status;

  test('is none of another', async () => {
    expect((await send(rig.url, '/auth/keys', { key: refresh })).status).toBe(401);
    expect(await token(ours)).toBe(401);
    expect(await token(key)).toBe(401);
    expect(await token(key.replace('pk_live_', 'rt_'))).toBe(401);
    expect((await send(rig.url, '/auth/keys', { key: refresh.replace('rt_', 'pk_live_') })).status).toBe(401);
    // And none of this has cost the session its life.
    expect(await token(refresh)).toBe(200);
  });

  test.each<[string, string, Record<string, string>]>([
    ['a query', '?access_token=KEY&api_key=KEY&key=KEY', {}],
    ['a cookie', '', { cookie: 'access_token=KEY; session=KEY' }],
    [
      'other headers',
      '',
      { 'x-api-key': 'KEY', 'x-access-token': 'KEY', 'proxy-authorization': 'Bearer KEY' },
    ],
    ['Basic', '', { authorization: 'Basic KEY' }],
    ['no scheme', '', { authorization: 'KEY' }],
  ])('is not looked for in %s', async (_, query, headers) => {
    const fill = (text: string) => text.replaceAll('KEY', key);
    const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]));
    expect((await send(rig.url, `/auth/keys${fill(query)}`, { headers: filled })).status).toBe(401);
  });
});
