import { expect, test } from 'vitest';
import { RENDER_EVERY_MS, shareRendering } from '../../src/core/observe/shared-rendering.js';

function counted(options: { key?(): unknown } = {}) {
  let at = 0;
  let count = 0;
  let release: (() => void) | undefined;
  const ask = shareRendering(
    () =>
      new Promise<number>((resolve) => {
        count += 1;
        const mine = count;
        release = () => resolve(mine);
      }),
    { ...options, now: () => at },
  );
  return {
    ask,
    pass: (ms: number) => {
      at += ms;
    },
    end: () => release?.(),
    count: () => count,
  };
}

test('a thousand readers get one rendering, and it is a second old at most', async () => {
  const { ask, end, pass, count } = counted();
  const first = Promise.all(Array.from({ length: 1_000 }, ask));
  end();
  expect(new Set(await first)).toEqual(new Set([1]));
  pass(RENDER_EVERY_MS - 1);
  expect(await ask()).toBe(1);
  pass(1);
  const next = ask();
  end();
  expect(await next).toBe(2);
  expect(count()).toBe(2);
});

test('one that takes longer than a second is waited for, and not begun again', async () => {
  const { ask, end, pass, count } = counted();
  const first = ask();
  pass(10 * RENDER_EVERY_MS);
  const second = ask();
  expect(count()).toBe(1);
  end();
  expect(await Promise.all([first, second])).toEqual([1, 1]);
});

test('what has changed is not shown as it was', async () => {
  let version = 0;
  const { ask, end } = counted({ key: () => version });
  const first = ask();
  end();
  await first;
  version += 1;
  const second = ask();
  end();
  expect(await second).toBe(2);
});

test('a failure is not kept', async () => {
  let fails = true;
  const ask = shareRendering(async () => {
    if (fails) throw new Error('not now');
    return 'rendered';
  });
  await expect(ask()).rejects.toThrow('not now');
  fails = false;
  expect(await ask()).toBe('rendered');
});
