import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS, nameOf } from '../../src/cli/commands.js';
import { directory, run } from './run.js';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

test.each([['--version'], ['-v']])('%s', async (option) => {
  const { status, stdout, stderr } = await run(await directory(), [option]);
  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: `parallama-cli ${manifest.version}\n`,
    stderr: '',
  });
});

test.each([
  [['--help'], ['serve', 'demo', 'user create', 'user list', 'user info', 'key generate', 'key revoke']],
  [['-h'], ['serve']],
  [
    ['user', '--help'],
    ['user create', 'user info'],
  ],
  [
    ['user', 'create', '--help'],
    ['<username>', '--role', '--password-stdin', '--request-limit-hourly', '--json'],
  ],
  [['user', 'create', '--nothing-but', '--help'], []],
])('%j', async (args, words) => {
  const { status, stdout, stderr } = await run(await directory(), args);
  if (words.length === 0) return expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const word of words) expect(stdout).toContain(word);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('without a command: the help, and 2', async () => {
  const { status, stdout } = await run(await directory(), []);
  expect(status).toBe(2);
  expect(stdout).toContain('Available Commands');
});

test.each([
  [['usr', 'list'], 'Unknown command "usr". Did you mean "user list"?'],
  [['user', 'craete', 'bob'], 'Unknown command "user craete". Did you mean "user create"?'],
  [['nonsense'], 'Unknown command "nonsense".'],
  [['user', 'create', 'bob', '--rol', 'basic'], 'Unknown option "--rol". Did you mean "--role"?'],
  [['user', 'list', '--port', '1'], 'Unknown option "--port".'],
  [['user', 'list', '-x'], 'Unknown option "-x".'],
  [['--jsn', 'user', 'list'], 'Unknown option "--jsn". Did you mean "--json"?'],
  [['user', 'create'], 'Missing <username>.'],
  [['user', 'create', ''], 'Missing <username>.'],
  [['user', 'info', 'bob', 'ada'], 'Unexpected argument "ada".'],
  [['user', 'list', '--role'], 'Option "--role" needs a value.'],
  [['user', 'list', '--role='], 'Option "--role" needs a value.'],
  [['user', 'list', '--role', '--json'], 'Option "--role" needs a value.'],
  [['user', 'list', '--role', 'a', '--role', 'b'], 'Option "--role" is given twice.'],
  [['user', 'list', '--json', '--json'], 'Option "--json" is given twice.'],
  [['user', 'list', '--json=yes'], 'Option "--json" takes no value.'],
  [['user', 'list', '--no-json'], 'Unknown option "--no-json".'],
  [['user', 'create', 'bob', '--gateway', 'opnai'], 'Unknown gateway "opnai". Gateways: ollama, openai.'],
  [
    ['user', 'create', 'bob', '--token-limit-daily', '1e3'],
    'Option "--token-limit-daily" is "1e3"; expected',
  ],
  [['user', 'create', 'bob', '--token-limit-daily=-1'], 'Option "--token-limit-daily" is "-1"; expected'],
  [
    ['user', 'create', 'bob', '--request-limit-hourly', '1.5'],
    'Option "--request-limit-hourly" is "1.5"; expected',
  ],
  [
    ['user', 'create', 'bob', '--token-limit-hourly', '9007199254740993'],
    'Option "--token-limit-hourly" is "9007199254740993"',
  ],
  [['user', 'create', 'bob', '--admin', '--role', 'basic'], '--admin and --role basic exclude each other.'],
  [['key', 'list'], 'Missing --username.'],
  [['serve', '--port', 'http'], 'Option "--port" is "http"; expected a number from 0 to 65535.'],
  [['serve', '--port', '65536'], 'Option "--port" is "65536"'],
])('%j is a usage error', async (args, message) => {
  const { status, stdout, stderr } = await run(await directory(), args);
  expect(stderr).toContain(`parallama-cli: ${message}`);
  expect(stderr).toMatch(/Run `parallama-cli .*--help` to see how it is used\.\n$/);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});

test('a stack is shown for PARALLAMA_DEBUG=1 only', async () => {
  const cwd = await directory();
  expect((await run(cwd, ['nonsense'])).stderr).not.toMatch(/\n\s+at /);
  expect((await run(cwd, ['nonsense'], { env: { PARALLAMA_DEBUG: '1' } })).stderr).toMatch(/\n\s+at /);
});

test('a configuration that is wrong is 1, and says what', async () => {
  const { status, stdout, stderr } = await run(await directory(), [
    'user',
    'list',
    '--config',
    'missing.yaml',
  ]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('missing.yaml: there is no such file');
});

test.each([['--version'], ['user', '--help']])('%s %s starts below 150 ms', async (...args) => {
  const cwd = await directory();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    const before = performance.now();
    await run(cwd, args);
    best = Math.min(best, performance.now() - before);
  }
  expect(best).toBeLessThan(150);
});

test('the help of every command fits into 80 columns', async () => {
  const cwd = await directory();
  for (const name of COMMANDS.map(nameOf)) {
    const { status, stdout } = await run(cwd, [...name.split(' '), '--help']);
    expect({ name, status }).toEqual({ name, status: 0 });
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  }
});
