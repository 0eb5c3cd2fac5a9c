import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { usePostgres } from '../support/services/postgres.js';
import { home, run } from './run.js';

const fresh = usePostgres();

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

test('the command of docs/stores.md moves a file to PostgreSQL', async () => {
  const page = await readFile(new URL('../../docs/stores.md', import.meta.url), 'utf8');
  const [, words = ''] = /```bash\nparallama-cli (store copy .*)\n/.exec(page) ?? [];
  const target = fresh();
  const cwd = await home(`store: { url: "${target}" }`);
  await writeFile(`${cwd}/old.yaml`, 'store: { url: "sqlite:./parallama.db" }\n');
  await run(cwd, ['user', 'create', 'ada', '--config', 'old.yaml', '--json']);
  const typed = words.replace(/postgres:\S+/, target).split(' ');
  expect(typed).toHaveLength(4);
  const copied = await run(cwd, [...typed, '--json']);
  expect([copied.status, copied.stderr]).toEqual([0, '']);
  expect(JSON.parse(copied.stdout)).toContainEqual(expect.objectContaining({ part: 'users', count: 1 }));
  const users = JSON.parse((await run(cwd, ['user', 'list', '--json'])).stdout);
  expect(users).toMatchObject([{ username: 'ada' }]);
});
