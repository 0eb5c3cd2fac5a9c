/** What a process remembers of keys and tokens does not grow by how clients write them. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { makeCredential } from '../../src/core/auth/credential.js';
import { memory } from '../../src/core/store/sqlite.js';
import { addUser, partsOn } from './parts.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of the heap, without garbage. */
function heapUsed(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** Headers of requests have up to 16 KB. */
const PADDING = ' '.repeat(8_000);
/** A new text each time, as Node makes one of each request's header. */
const padded = (text: string) => ({
  authorization: Buffer.from(`Bearer${PADDING}${text}${PADDING}`).toString(),
});
const MIB = 2 ** 20;

it('of one key, 10,000 spellings of its prefix are one entry', async () => {
  const store = memory();
  const parts = await partsOn(store);
  const { id, key } = await parts.apiKeys.generate(await addUser(parts));
  const secret = key.slice(-38, -6);
  const spelled = (n: number) => makeCredential(`x${n}`.padEnd(32, '_'), id, secret).text;
  await parts.authenticator.authenticate(padded(key));
  const before = heapUsed();
  for (let n = 0; n < 10_000; n += 1) {
    expect((await parts.authenticator.authenticate(padded(spelled(n)))).username).toBe('Ann');
  }
  expect(heapUsed() - before).toBeLessThan(2 * MIB);
  // Used once more, so that it cannot have been collected.
  await parts.authenticator.authenticate(padded(key));
  await store.close();
});

it('of 1,000 keys and 1,000 tokens, nothing is kept that stood beside them', async () => {
  const store = memory();
  const parts = await partsOn(store);
  const ann = await addUser(parts);
  const texts: string[] = [];
  for (let n = 0; n < 1_000; n += 1) {
    texts.push((await parts.apiKeys.generate(ann)).key, await parts.accessTokens.issue(ann));
  }
  const before = heapUsed();
  for (const text of texts) await parts.authenticator.authenticate(padded(text));
  // 16 KB for each of them would be 32 MB.
  expect(heapUsed() - before).toBeLessThan(8 * MIB);
  await parts.authenticator.authenticate(padded(texts[0]!));
  await store.close();
});
