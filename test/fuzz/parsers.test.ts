/** Readers of what clients and upstreams write, each by itself. */
import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAccessTokens } from '../../src/core/auth/access-tokens.js';
import { makeCredential, readCredential } from '../../src/core/auth/credential.js';
import { loadSecrets } from '../../src/core/auth/secret.js';
import { GatewayError } from '../../src/core/errors.js';
import { parseJson, readBody } from '../../src/core/http/body.js';
import { goDuration } from '../../src/core/limits/rate-headers.js';
import {
  isCloudModel,
  lineSplitter,
  matchesModel,
  normaliseModel,
  readChatCompletion,
  readNativeChat,
  sameModel,
  upstreamError,
} from '../../src/core/translate/index.js';
import { installedName, nameKey, parseName, parseRef } from '../../src/testing/names.js';
import { damaged, edge, mutant } from './support/json.js';
import { check, checkAsync } from './support/runs.js';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const cuts = fc.array(fc.nat(300), { maxLength: 8 });
const text = fc.string({ unit: 'binary', maxLength: 60 });

function pieces(whole: Buffer, at: number[]): Buffer[] {
  const places = [0, ...at.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
  return places.slice(1).map((to, i) => whole.subarray(places[i], to));
}

/** What a reader made of it; the client's fault where it threw. */
function outcome<T>(read: () => T): T | GatewayError {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
    expect((error as GatewayError).status).toBe(400);
    return error as GatewayError;
  }
}

test('lines are the same wherever the network has cut them', () => {
  const lines = fc.array(
    fc.oneof(bytes, fc.constantFrom('\n', '\r\n', ' \n', '\ufeff', '{}\n').map(Buffer.from)),
  );
  const split = (parts: Buffer[]) => {
    const splitter = lineSplitter();
    const found = parts.flatMap((part) => splitter.push(part));
    return [...found, splitter.end()].map(String);
  };
  check(
    fc.property(lines.map(Buffer.concat), cuts, (whole, at) => {
      expect(split(pieces(whole, at))).toEqual(split([whole]));
    }),
    500,
  );
});

test('a body is JSON or the fault of the client, whose words are not repeated', () => {
  const good = fc.json({ stringUnit: 'binary' });
  check(
    fc.property(fc.oneof(bytes, damaged(good), good.map(Buffer.from)), (body) => {
      const read = outcome(() => parseJson(body, 'openai'));
      if (read instanceof GatewayError)
        expect(read.message).toMatch(/^The (body is|request has) [^\n]{0,90}$/u);
      else expect(read).toEqual(JSON.parse(body.toString().replace(/^\ufeff/, '')));
    }),
    500,
  );
});

test('a body that was compressed is itself again, or is refused', async () => {
  const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };
  const example = fc.record({
    whole: bytes,
    encoding: fc.constantFrom(...(Object.keys(encoders) as (keyof typeof encoders)[])),
    flip: fc.option(fc.tuple(fc.nat(300), fc.nat(255))),
    end: fc.option(fc.nat(300)),
    at: cuts,
  });
  const property = fc.asyncProperty(example, async ({ whole, encoding, flip, end, at }) => {
    const sent = encoders[encoding](whole).subarray(0, end ?? undefined);
    if (flip && sent.length > 0) sent[flip[0] % sent.length] = flip[1];
    const body = Readable.from(pieces(sent, at));
    const request = { method: 'POST', url: '/', headers: { 'content-encoding': encoding }, body };
    const read = await readBody(request, { limit: 1_000, timeout: 30 }).catch((error: unknown) => error);
    if (read instanceof GatewayError) {
      expect(['bad_encoding', 'too_large']).toContain(read.kind);
      expect(flip === null && end === null).toBe(false);
    } else if (flip === null && end === null) expect(read).toEqual(whole);
    else expect(read).toBeInstanceOf(Buffer);
  });
  await checkAsync(property, 200);
});

/** Mostly names, and nearly names. */
const part = fc.string({ unit: fc.constantFrom('a', 'B', '1', '_', '-', '.'), minLength: 1, maxLength: 3 });
const modelName = fc
  .tuple(
    fc.constantFrom('', 'http://', 'https://'),
    fc.constantFrom(
      ...['', 'library/', 'LIBRARY/', 'me/', 'registry.ollama.ai/library/', 'Registry.Ollama.AI/Library/'],
      ...['registry.ollama.ai/me/', 'hf.co/me/', 'hf.co/library/', 'localhost:5000/me/'],
    ),
    part,
    fc.constantFrom('', ':latest', ':LATEST', ':7b', ':7B'),
  )
  .map((parts) => parts.join(''));

test('names are one model for us where they are one for Ollama', () => {
  const known = modelName.filter((name) => parseName(name) !== undefined);
  check(
    fc.property(known, known, (a, b) => {
      expect(sameModel(a, b)).toBe(nameKey(a) === nameKey(b));
    }),
    1_000,
  );
  check(
    fc.property(known, (name) => {
      const { short, full } = parseName(name)!;
      expect(sameModel(name, short) && sameModel(name, full)).toBe(true);
      expect(matchesModel(short, name)).toBe(true);
      expect(matchesModel('*', name)).toBe(true);
    }),
    500,
  );
});

test('names that are none break nothing', () => {
  check(
    fc.property(text, text, (pattern, name) => {
      expect(matchesModel(pattern, name)).toBeTypeOf('boolean');
      expect(sameModel(name, ` ${name} `)).toBe(normaliseModel(name) !== undefined);
    }),
    500,
  );
});

/** What a name is made of, and what would pass for it. */
const shred = fc.constantFrom(
  ...[
    'llama2',
    'Gpt-OSS',
    'cloud',
    '-cloud',
    'CLOUD',
    'local',
    'latest',
    ':',
    ':',
    '/',
    '//',
    '.',
    '-',
    '_',
    '*',
  ],
  ...[
    ' ',
    '\t',
    '\u0085',
    '\u00a0',
    '\u2003',
    '\u3000',
    '\ufeff',
    '\u200b',
    '\u0000',
    '\u212a',
    '\u017f',
    '!',
  ],
  ...['https:', 'aaa:', 'registry.ollama.ai/', 'library/', 'hf.co/', 'localhost:5000/'],
);
const nearlyName = fc.array(shred, { maxLength: 8 }).map((parts) => parts.join(''));

test('what is a name for us is the same name for Ollama, of the same source', () => {
  check(
    fc.property(nearlyName, (name) => {
      const ours = normaliseModel(name);
      if (ours === undefined) return;
      // As Go trims: all that is white space in Unicode, U+0085 too.
      const ref = parseRef(name.replace(/^[\s\u0085]+|[\s\u0085]+$/g, ''));
      expect(ref && parseName(ref.base)).toBeDefined();
      expect(nameKey(ours)).toBe(nameKey(installedName(ref!)));
      if (ref!.source === 'cloud') expect(isCloudModel(name)).toBe(true);
    }),
    5_000,
  );
});

const user = (content: unknown) => ({ model: 'm', messages: [{ role: 'user', content }] });

test('an image is base64 that Go can read, or is refused', () => {
  const url = fc
    .tuple(
      fc.constantFrom('data:', 'DATA:', '', 'data'),
      fc.constantFrom('', 'image/png', 'image/svg+xml;utf8', 'text/html'),
      fc.constantFrom(';base64,', ';BASE64 ,', ',', ';base64'),
      fc.string({ unit: fc.constantFrom('A', '/', '+', '-', '_', '=', ' ', '\n', '%', '\u0000') }),
    )
    .map((parts) => parts.join(''));
  check(
    fc.property(url, (image_url) => {
      const read = outcome(() => readChatCompletion(user([{ type: 'image_url', image_url }])));
      if (read instanceof GatewayError) return;
      const [data = ''] = (read.calls[0]!.request.messages as { images: string[] }[])[0]!.images;
      expect(data).toMatch(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
      expect(
        readNativeChat({ model: 'm', messages: [{ role: 'user', content: '', images: [data] }] }),
      ).toBeDefined();
    }),
    500,
  );
});

test('a credential is read as it was made, and not at all where a letter is another', () => {
  const letter = fc.constantFrom('0', 'A', 'z', '-', '.', ' ', 'é', '');
  check(
    fc.property(text, fc.nat(100), letter, (prefix, at, other) => {
      const made = makeCredential(prefix);
      expect(readCredential(made.text)).toEqual({ id: made.id, secret: made.secret });
      const place = made.text.length - 1 - (at % 54);
      const changed = made.text.slice(0, place) + other + made.text.slice(place + 1);
      if (changed !== made.text) expect(readCredential(changed)).toBeUndefined();
      expect(readCredential(prefix)).toBeUndefined();
    }),
    500,
  );
});

test("an access token that is not whole is nobody's", async () => {
  const accessTokens = createAccessTokens({ secrets: await loadSecrets({ beside: undefined }), ttl: 60 });
  const owner = { id: 'u1', username: 'ada', generation: 1 };
  const token = await accessTokens.issue(owner);
  const broken = fc.oneof(
    damaged(fc.constant(token)).map(String),
    fc.tuple(edge, edge).map((parts) => `${parts.map(encoded).join('.')}.${token.split('.')[2]}`),
    mutant(fc.constant(Buffer.from(token.split('.')[0]!, 'base64url').toString())).map((head) =>
      [encoded(head), ...token.split('.').slice(1)].join('.'),
    ),
    text,
  );
  const property = fc.asyncProperty(broken, async (other) => {
    const read = await accessTokens.verify(other).catch((error: unknown) => error);
    // The last letter of a signature has bits that mean nothing.
    if (!(read instanceof GatewayError))
      expect(read).toMatchObject({ userId: 'u1', username: 'ada', generation: 1 });
    else expect(read.status).toBe(401);
  });
  await checkAsync(property, 200);
});

const encoded = (json: string) => Buffer.from(json).toString('base64url');

test('a duration in a header says how many milliseconds it is', () => {
  const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  check(
    fc.property(fc.double({ min: -1e6, max: 1e10, noNaN: true }), (milliseconds) => {
      const said = [...goDuration(milliseconds).matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
      const sum = said.reduce(
        (total, [, n, unit]) => total + Number(n) * units[unit as keyof typeof units],
        0,
      );
      expect(Math.round(sum)).toBe(Math.max(0, Math.round(milliseconds)));
    }),
    500,
  );
});

test('whatever an upstream says in its error, the client gets an error without places', () => {
  const words = fc
    .array(
      fc.oneof(
        text,
        fc.constantFrom(
          ...[
            'model',
            '"llama2:70b"',
            'not found',
            'does not support tools',
            'http://10.0.0.7:11434/x',
            '/root/.ollama',
          ],
          ...[
            'dial tcp 10.0.0.7',
            'server busy',
            'localhost',
            'goroutine 1',
            '{"error":{"message":"x"}}',
            'C:\\models',
          ],
        ),
      ),
    )
    .map((all) => all.join(' '));
  const body = fc.oneof(
    words,
    words.map((error) => JSON.stringify({ error })),
    edge,
  );
  const context = { model: 'gpt-4', upstreamModel: 'llama2:70b' } as const;
  check(
    fc.property(
      fc.integer({ min: 100, max: 599 }),
      body,
      fc.constantFrom('openai', 'ollama'),
      (status, said, dialect) => {
        const error = upstreamError(status, said, { ...context, dialect });
        expect(error).toBeInstanceOf(GatewayError);
        expect(error.status).toBeGreaterThanOrEqual(400);
        expect(error.status).not.toBe(500);
        expect(error.message).not.toMatch(/10\.0\.0\.7|:\/\/|\/root|goroutine|llama2:70b|localhost/);
      },
    ),
    1_000,
  );
});
