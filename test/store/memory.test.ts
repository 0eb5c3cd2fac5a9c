import { expect, it } from 'vitest';
import { memory } from '../../src/core/store/sqlite.js';
import { testStore } from './suite.js';

testStore('memory, with a clock', async (options) => memory(options), { fakeClock: true });
testStore('memory, in real time', async () => memory());

it('shares nothing between two stores', async () => {
  const [one, other] = [memory(), memory()];
  await one.create('users', 'u1', 1);
  expect(await other.get('users', 'u1')).toBeUndefined();
  expect([one.kind, one.place]).toEqual(['memory', 'memory']);
  await Promise.all([one.close(), other.close()]);
});
