import { expect, test } from 'vitest';
import { home, run } from './run.js';

test('generate, list, revoke', async () => {
  const cwd = await home();
  await run(cwd, ['user', 'create', 'ada']);
  const made = await run(cwd, ['key', 'generate', 'ada', '--name', 'laptop']);
  expect(made.status).toBe(0);
  const [key, idLine] = made.stdout.split('\n');
  expect(key).toMatch(/^pk_live_[0-9A-Za-z]+$/);
  expect(idLine).toMatch(/^ID: \S+$/);
  const second = JSON.parse((await run(cwd, ['key', 'generate', 'ada', '--json'])).stdout);
  expect(Object.keys(second)).toEqual(['id', 'key']);

  const list = async () =>
    JSON.parse((await run(cwd, ['key', 'list', '--username', 'ada', '--json'])).stdout);
  const id = idLine?.slice('ID: '.length);
  expect(await list()).toMatchObject([
    { id, name: 'laptop', created_at: expect.any(String) },
    { id: second.id },
  ]);
  const table = await run(cwd, ['key', 'list', '--username', 'ada']);
  expect(table.stdout).toMatch(/^ID +CREATED \(UTC\) +NAME\n/);
  expect(table.stdout).not.toContain(key);

  expect(await run(cwd, ['key', 'revoke', second.id])).toMatchObject({
    status: 0,
    stdout: `Revoked key ${second.id}.\n`,
  });
  expect(await list()).toHaveLength(1);
  const again = await run(cwd, ['key', 'revoke', second.id]);
  expect(again).toMatchObject({ status: 1, stdout: '' });
  expect(again.stderr).toContain(`There is no key "${second.id}".`);
});

test('a key in the place of its id is refused and not repeated', async () => {
  const cwd = await home();
  await run(cwd, ['user', 'create', 'ada']);
  const { key } = JSON.parse((await run(cwd, ['key', 'generate', 'ada', '--json'])).stdout);
  const { status, stderr } = await run(cwd, ['key', 'revoke', key]);
  expect(status).toBe(2);
  expect(stderr).toContain('its ID is wanted');
  expect(stderr).not.toContain(key);
});

test('control characters in a name do not reach the terminal', async () => {
  const cwd = await home();
  await run(cwd, ['user', 'create', 'ada']);
  await run(cwd, ['key', 'generate', 'ada', '--name', 'a\u001b[31mb']);
  const { stdout } = await run(cwd, ['key', 'list', '--username', 'ada']);
  expect(stdout).toContain('a?[31mb');
});

test('an unknown user', async () => {
  const cwd = await home();
  for (const args of [
    ['generate', 'bob'],
    ['list', '--username', 'bob'],
  ]) {
    const { status, stderr } = await run(cwd, ['key', ...args]);
    expect(status).toBe(1);
    expect(stderr).toContain('There is no user "bob".');
  }
});
