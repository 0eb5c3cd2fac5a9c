/** Paths, methods, queries and headers that nobody has thought of. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectSound } from './support/oracle.js';
import { checkAsync, SLOW } from './support/runs.js';
import { targets } from './support/samples.js';
import { startTarget, type Target } from './support/server.js';

let target: Target;
beforeAll(async () => {
  target = await startTarget();
});
afterAll(() => target.close());

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'];

/** What routers and file systems stumble over. */
const PIECES = [
  ...['/', '//', '/.', '/..', '/../', '\\', '%2f', '%2e%2e', '%', '%zz', '%00', '%ff', '%C3%A9', '%c0%af'],
  ...[';', ';a=b', '#', '?', '??', '&', '=', ':', '@', '*', '~', '{id}', 'http://', '+'],
  ...['api', 'v1', 'models', 'pull', 'blobs', 'ollama', 'openai', 'auth', 'keys', 'constructor', '__proto__'],
];

const path = fc
  .tuple(
    fc.constantFrom('/', ...targets().map((route) => route.path)),
    fc.array(fc.tuple(fc.nat(40), fc.constantFrom(...PIECES)), { maxLength: 3 }),
    fc.constantFrom('as it is', 'upper case', 'encoded'),
  )
  .map(([known, pieces, how]) => {
    const whole = pieces.reduce(
      (text, [at, piece]) => `${text.slice(0, 1 + at)}${piece}${text.slice(1 + at)}`,
      known,
    );
    if (how === 'upper case') return whole.toUpperCase();
    return how === 'encoded' ? `/${[...whole.slice(1)].map(percent).join('')}` : whole;
  });

const percent = (char: string) => `%${(char.codePointAt(0)! & 255).toString(16).padStart(2, '0')}`;

const query = fc.option(
  fc
    .array(
      fc.tuple(fc.constantFrom('user', 'x', '', 'user%00', '__proto__'), fc.webFragments({ size: 'small' })),
    )
    .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value.replaceAll('#', '')}`).join('&')}`),
  { nil: '' },
);

/** All that Node's client lets through: tabs, and the printable half of Latin-1. */
const value = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code === 0x7f ? 0x20 : code)),
  maxLength: 200,
});

const credential = fc.oneof(
  value,
  fc.constantFrom(
    ...['Bearer', 'Bearer ', 'bearer\t', 'Basic YTpi', 'Bearer a b', 'Bearer null', 'Bearer undefined'],
    ...['Bearer ..', 'Bearer a.b.c', 'Bearer e30.e30.', 'Bearer eyJhbGciOiJub25lIn0.e30.', 'Bearer rt_x'],
    `Bearer ${'a'.repeat(8_000)}`,
    `Bearer pk_live_${'0'.repeat(54)}`,
    `Bearer ${'.'.repeat(3_000)}`,
    'Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6ImNvbnN0cnVjdG9yIn0.e30.AAAA',
  ),
  value.map((text) => `Bearer ${text}`),
);

const headers = fc.dictionary(
  fc.constantFrom(
    ...[
      'accept',
      'accept-encoding',
      'content-type',
      'content-encoding',
      'cookie',
      'origin',
      'range',
      'referer',
    ],
    ...['if-none-match', 'x-forwarded-for', 'forwarded', 'x-api-key', 'api-key', 'openai-beta', 'user-agent'],
    ...[
      'x-request-id',
      'access-control-request-method',
      'x-http-method-override',
      'traceparent',
      '__proto__',
    ],
  ),
  value,
  { maxKeys: 4 },
);

const SANE = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

test('any request is answered in its dialect, and costs nothing without a body', SLOW, async () => {
  const request = fc.record({
    method: fc.constantFrom(...METHODS),
    path,
    query,
    headers,
    authorization: fc.option(credential, { freq: 3 }),
    asAdmin: fc.boolean(),
  });
  const property = fc.asyncProperty(request, async ({ method, authorization, asAdmin, ...asked }) => {
    const account = asAdmin ? target.admin : target.member;
    const { reply, used } = await target.ask(account, asked.path + asked.query, {
      method,
      headers: { ...asked.headers, ...(authorization !== null && { authorization }) },
      ...(authorization !== null && { key: undefined }),
    });
    // Relayed: what an admin manages is between the admin and Ollama.
    const relayed = asAdmin && /^\/ollama\/api\/(pull|push|create|copy|delete|blobs\/)/.test(asked.path);
    if (!relayed) expectSound(reply, { method, path: asked.path, upstream: target.upstream });
    expect(used).toEqual({ requests: 0, promptTokens: 0, completionTokens: 0 });
    const id = asked.headers['x-request-id']?.trim();
    if (id !== undefined && SANE.test(id)) expect(reply.headers['x-request-id']).toBe(id);
  });
  await checkAsync(property, 700);
});
