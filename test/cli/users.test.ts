import { expect, test } from 'vitest';
import { home, run } from './run.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function json(cwd: string, args: string[], stdin?: string) {
  const { status, stdout, stderr } = await run(cwd, [...args, '--json'], { stdin });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

test('create, list, info', async () => {
  const cwd = await home();
  const made = await run(cwd, ['user', 'create', 'ada', '--role', 'premium']);
  expect(made.status).toBe(0);
  expect(made.stdout).toMatch(
    /^Created user ada with role premium\.\nID {8}[0-9a-f-]{36}\nPassword {2}[0-9A-Za-z]{24}\n$/,
  );
  expect(made.stderr).toBe('The password is shown only now.\n');

  const bob = await json(cwd, ['user', 'create', 'bob', '--admin']);
  expect(bob).toMatchObject({ username: 'bob', role: 'admin', limits: {} });
  expect(bob.id).toMatch(UUID);
  expect(bob.password).toHaveLength(24);

  expect(await json(cwd, ['user', 'list'])).toMatchObject([
    { username: 'ada', role: 'premium' },
    { id: bob.id, username: 'bob', role: 'admin' },
  ]);
  expect(await json(cwd, ['user', 'list', '--role', 'admin'])).toHaveLength(1);
  expect(await json(cwd, ['user', 'list', '--role', 'basic'])).toEqual([]);

  const listed = await run(cwd, ['user', 'list']);
  const [head, first] = listed.stdout.split('\n');
  expect(head).toMatch(/^USERNAME {2}ROLE {5}CREATED \(UTC\) {5}ID$/);
  expect(first).toMatch(/^ada {7}premium {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}[0-9a-f-]{36}$/);

  const info = await run(cwd, ['user', 'info', 'bob']);
  expect(info.stdout).toMatch(/Username {2}bob\n/);
  expect(info.stdout).toMatch(/Tokens a day +unlimited \(role\) +unlimited \(role\)\n/);
});

test("limits are those given, on the gateway named or on both; the others are the role's", async () => {
  const cwd = await home();
  const limits = ['--token-limit-daily', '20000', '--request-limit-hourly', 'unlimited'];
  const own = { token_limit_daily: 20_000, request_limit_hourly: null };
  const one = await json(cwd, ['user', 'create', 'ada', '--gateway', 'ollama', ...limits]);
  expect(one.limits).toEqual({ ollama: own });
  const both = await json(cwd, ['user', 'create', 'bob', ...limits]);
  expect(both.limits).toEqual({ ollama: own, openai: own });

  const info = await json(cwd, ['user', 'info', 'ada']);
  const basic = {
    token_limit_daily: 500_000,
    token_limit_hourly: 50_000,
    request_limit_daily: 5_000,
    request_limit_hourly: 500,
  };
  expect(info).toMatchObject({ username: 'ada', role: 'basic', keys: 0, overrides: { ollama: own } });
  expect(info.limits).toEqual({ ollama: { ...basic, ...own }, openai: basic });

  const { stdout } = await run(cwd, ['user', 'info', 'ada']);
  expect(stdout).toMatch(/Tokens a day +20,000 \(user\) +500,000 \(role\)\n/);
  expect(stdout).toMatch(/Tokens an hour +50,000 \(role\) +50,000 \(role\)\n/);
  expect(stdout).toMatch(/Requests an hour +unlimited \(user\) +500 \(role\)\n/);
});

test('--gateway without limit options does nothing, and says so', async () => {
  const { status, stderr } = await run(await home(), ['user', 'create', 'ada', '--gateway', 'openai']);
  expect(status).toBe(0);
  expect(stderr).toContain('--gateway has no effect here');
});

test('names that look like numbers, options or commands', async () => {
  const cwd = await home();
  for (const args of [['--json', '007'], ['1e3'], ['user'], ['create'], ['--', '-dash']]) {
    const { status } = await run(cwd, ['user', 'create', ...args]);
    expect({ args, status }).toEqual({ args, status: 0 });
  }
  expect((await run(cwd, ['--json', 'user', 'create', '0x10', '--admin'])).status).toBe(0);
  const users: { username: string }[] = await json(cwd, ['user', 'list']);
  expect(users.map((user) => user.username)).toEqual(['-dash', '007', '0x10', '1e3', 'create', 'user']);
  expect(await json(cwd, ['user', 'info', '007'])).toMatchObject({ username: '007' });
});

test('--password-stdin', async () => {
  const cwd = await home();
  const user = await json(cwd, ['user', 'create', 'ada', '--password-stdin'], 'grüße 123\n');
  expect(user).not.toHaveProperty('password');
  const short = await run(cwd, ['user', 'create', 'bob', '--password-stdin'], { stdin: 'short\n' });
  expect(short).toMatchObject({ status: 1, stdout: '' });
  expect(short.stderr).toContain('8 to 256 characters');
  const none = await run(cwd, ['user', 'create', 'bob', '--password-stdin']);
  expect(none).toMatchObject({ status: 1, stderr: 'parallama-cli: Standard input has no password.\n' });
});

test('what cannot be: a taken name, a bad name, an unknown role, an unknown user', async () => {
  const cwd = await home();
  await run(cwd, ['user', 'create', 'ada']);
  const taken = await run(cwd, ['user', 'create', 'ADA']);
  expect(taken).toMatchObject({ status: 1, stdout: '' });
  expect(taken.stderr).toContain('taken');
  expect((await run(cwd, ['user', 'create', 'a b'])).status).toBe(1);
  const role = await run(cwd, ['user', 'create', 'bob', '--role', 'boss']);
  expect(role).toMatchObject({ status: 2 });
  expect(role.stderr).toContain('Unknown role "boss". Roles: admin, premium, basic.');
  expect((await run(cwd, ['user', 'list', '--role', 'boss'])).status).toBe(2);
  const nobody = await run(cwd, ['user', 'info', 'bob']);
  expect(nobody).toMatchObject({ status: 1, stdout: '' });
  expect(nobody.stderr).toContain('There is no user "bob".');
});

test('a role of the configuration', async () => {
  const cwd = await home(
    'roles: { lab: { gateways: [openai] } }\nlimits: { roles: { lab: { openai: { token_limit_daily: 7 } } } }',
  );
  await run(cwd, ['user', 'create', 'ada', '--role', 'lab']);
  const { stdout } = await run(cwd, ['user', 'info', 'ada']);
  expect(stdout).toMatch(/Tokens a day +not allowed \(role\) +7 \(role\)\n/);
});

test('an empty list says where it looked', async () => {
  const { status, stdout, stderr } = await run(await home(), ['user', 'list']);
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  expect(stderr).toMatch(/^There are no users yet in .*parallama\.db/);
});
