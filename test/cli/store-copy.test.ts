import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { home, run } from './run.js';

test('store copy moves users and keys, which work in the new store', async () => {
  const cwd = await home('store: { url: "sqlite:./new.db" }');
  await writeFile(`${cwd}/old.yaml`, 'store: { url: "sqlite:./old.db" }\n');
  await run(cwd, ['user', 'create', 'ada', '--config', 'old.yaml', '--json']);
  await run(cwd, ['key', 'generate', 'ada', '--config', 'old.yaml', '--json']);

  const copy = await run(cwd, ['store', 'copy', 'sqlite:./old.db', 'sqlite:./new.db']);
  expect(copy).toMatchObject({ status: 0 });
  expect(copy.stdout).toMatch(/^users +1 +[0-9a-f]{16}$/m);
  const keys = JSON.parse((await run(cwd, ['key', 'list', '--username', 'ada', '--json'])).stdout);
  expect(keys).toHaveLength(1);

  const again = await run(cwd, ['store', 'copy', 'sqlite:./old.db', 'sqlite:./new.db']);
  expect([again.status, again.stdout]).toEqual([1, '']);
  expect(again.stderr).toContain('is not empty');
  const same = await run(cwd, ['store', 'copy', 'sqlite:./old.db', 'sqlite:./old.db']);
  expect([same.status, same.stderr.split('\n')[0]]).toEqual([2, 'parallama-cli: FROM and TO are one store.']);
  const where = await run(cwd, ['store', 'copy', 'old.db', 'sqlite:./new.db']);
  expect([where.status, where.stdout]).toEqual([1, '']);
});
