/** Every endpoint, given bodies that are good, nearly good, and nothing at all. */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkConfig } from '../../src/core/config.js';
import { createRoutes } from '../../src/core/routes.js';
import { damaged, edge, mutant } from './support/json.js';
import { expectMetered, expectRebuilt, expectSound } from './support/oracle.js';
import { checkAsync, SLOW } from './support/runs.js';
import { type Target as Route, targets } from './support/samples.js';
import { startTarget, type Target } from './support/server.js';

let target: Target;
beforeAll(async () => {
  target = await startTarget();
});
afterAll(() => target.close());

const ROUTES = targets();
const WITH_BODIES = ROUTES.filter(({ bodies }) => bodies.length > 0);

interface Example {
  route: Route;
  body: string | Buffer;
  asAdmin: boolean;
  headers: Record<string, string>;
}

/** Addresses of their own, or the login throttle would soon answer for all. */
const address = fc.nat(0xff_ff_ff).map((n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);

const sentTo = (routes: Route[], bodyOf: (good: fc.Arbitrary<string>) => fc.Arbitrary<string | Buffer>) =>
  fc.constantFrom(...routes).chain((route) =>
    fc.record<Example>({
      route: fc.constant(route),
      body: bodyOf(fc.constantFrom(...(route.bodies.length > 0 ? route.bodies : ['{}']))),
      asAdmin: fc.boolean(),
      headers: address.map((ip) => ({ 'x-forwarded-for': ip, 'content-type': 'application/json' })),
    }),
  );

async function tryOut({ route, body, asAdmin, headers }: Example): Promise<void> {
  const { method, path, inference = false, manage = false } = route;
  // Node's client announces no body where a method has none as a rule.
  const length = String(Buffer.byteLength(body));
  const options = { method, body, headers: { ...headers, 'content-length': length } };
  const trial = await target.ask(asAdmin ? target.admin : target.member, path, options);
  // What an admin manages is between the admin and Ollama.
  if (manage && asAdmin) return;
  expectSound(trial.reply, { method, path, upstream: target.upstream });
  expectMetered(trial, { inference });
  expectRebuilt(trial.sent);
}

test('there are samples for every route', () => {
  const routes = createRoutes(checkConfig({}));
  const known = ROUTES.map(({ method, path }) => `${method} ${path}`);
  const endpoints = [...routes.endpoints('ollama'), ...routes.endpoints('openai')];
  for (const endpoint of endpoints) expect(known).toContain(endpoint.replace('{id}', 'tiny'));
  const paths = ROUTES.map(({ path }) => path);
  for (const pattern of routes.patterns({ operations: true })) {
    expect(
      paths.some((path) => path === pattern || path.startsWith(pattern.slice(0, -1))),
      pattern,
    ).toBe(true);
  }
});

test('good bodies are taken', SLOW, async () => {
  await checkAsync(
    fc.asyncProperty(
      sentTo(ROUTES, (good) => good),
      tryOut,
    ),
    250,
  );
});

test('bodies with changed values and keys', SLOW, async () => {
  await checkAsync(fc.asyncProperty(sentTo(WITH_BODIES, mutant), tryOut), 700);
});

test('any JSON at all', SLOW, async () => {
  await checkAsync(
    fc.asyncProperty(
      sentTo(WITH_BODIES, () => edge),
      tryOut,
    ),
    200,
  );
});

test('bytes that are hardly JSON', SLOW, async () => {
  await checkAsync(fc.asyncProperty(sentTo(WITH_BODIES, damaged), tryOut), 250);
});

const identity = (bytes: Buffer) => bytes;
const CODINGS: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gzipSync,
  'X-GZIP': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  identity,
  '': identity,
  'gzip, br': identity,
  __proto__x: identity,
  constructor: identity,
};
const TYPES = [
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  '',
];

test('bodies in other encodings and of other types', SLOW, async () => {
  const coded = fc.record({
    example: sentTo(WITH_BODIES, (good) => good),
    // What the header says, and what was done: mostly the same.
    says: fc.constantFrom(...Object.keys(CODINGS)),
    does: fc.option(fc.constantFrom(...Object.keys(CODINGS)), { freq: 3 }),
    spoil: fc.option(fc.tuple(fc.nat(1_000), fc.nat(255)), { freq: 2 }),
    type: fc.constantFrom(...TYPES),
  });
  const property = fc.asyncProperty(coded, async ({ example, says, does, spoil, type }) => {
    const body = CODINGS[does ?? says]!(Buffer.from(example.body));
    if (spoil) body[spoil[0] % body.length] = spoil[1];
    const headers = { ...example.headers, 'content-encoding': says, 'content-type': type };
    await tryOut({ ...example, body, headers });
  });
  await checkAsync(property, 200);
});
