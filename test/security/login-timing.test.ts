/** What a login costs does not tell whether there is a user of that name. Processor time is compared: it is the
 * same on a busy machine. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';

/** OWASP's parameters, the default: a hash costs several times what everything else about a login does. */
const password_hashing = { memory_kib: 19_456, iterations: 2, parallelism: 1 };
const ROUNDS = 8;

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ config: { auth: { password_hashing } } });
  for (let i = 0; i < ROUNDS; i += 1) await rig.user('basic', `known-${i}`);
});
afterAll(() => rig.close());

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Microseconds of this process, whose threads hash. */
async function cost(username: string): Promise<number> {
  const before = process.cpuUsage();
  const { status } = await send(rig.url, '/auth/login', { body: { username, password: 'a-wrong-password' } });
  const { user, system } = process.cpuUsage(before);
  expect(status).toBe(401);
  return user + system;
}

test.each([
  ['an unknown name', (i: number) => `unknown-${i}`],
  ['a name that nobody can have', (i: number) => `nobody can have this ${i}`],
])('%s costs what a wrong password does', async (_, nameOf) => {
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    known.push(await cost(`known-${i}`));
    unknown.push(await cost(nameOf(i)));
  }
  const ratio = median(unknown) / median(known);
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThan(2);
});

test('and less than that where nothing is hashed, so that the comparison means something', async () => {
  const before = process.cpuUsage();
  await send(rig.url, '/auth/login', { body: { username: 'known-0' } });
  const { user, system } = process.cpuUsage(before);
  expect(user + system).toBeLessThan((await cost('known-0')) / 2);
});
