import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startBeside } from './beside.js';
import { directory, home, run } from './run.js';

interface Report {
  ok: boolean;
  checks: { name: string; state: string; detail: string }[];
}

const find = ({ checks }: Report, name: string) => checks.find((check) => check.name === name);

test('what holds, beside a running server', async () => {
  const { cwd, json, server } = await startBeside();
  const report = await json<Report>('doctor');
  expect(report.ok).toBe(true);
  expect(find(report, 'config')?.detail).toBe(join(cwd, 'parallama.yaml'));
  expect(find(report, 'store')?.detail).toMatch(/^sqlite at .*parallama\.db answers in \d+ ms$/);
  expect(find(report, 'guarantee')?.detail).toContain('exact');
  expect(find(report, 'upstream')?.detail).toMatch(/^Ollama \S+ answers at http:\/\/127\.0\.0\.1:\d+/);
  expect(find(report, 'servers')?.detail).toContain(String(server.process.pid));
  const shown = await run(cwd, ['doctor']);
  expect(shown).toMatchObject({ status: 0, stderr: '' });
  expect(shown.stdout).toMatch(/^ok {4}version {4}Parallama /);
});

test('what does not hold is 1', async () => {
  const cwd = await home('api_gateways: { ollama: { host: 127.0.0.1, port: 1 } }');
  await writeFile(join(cwd, 'jwt_secret'), 'a secret that is long enough to be one\n');
  await chmod(join(cwd, 'jwt_secret'), 0o644);
  const { status, stdout } = await run(cwd, ['doctor', '--json']);
  expect(status).toBe(1);
  const report: Report = JSON.parse(stdout);
  expect(find(report, 'upstream')?.state).toBe('failed');
  expect(find(report, 'secret')).toMatchObject({
    state: 'warning',
    detail: expect.stringContaining('chmod 600'),
  });

  await writeFile(join(cwd, 'parallama.yaml'), 'sever: {}\n');
  const broken = await run(cwd, ['doctor']);
  expect(broken.status).toBe(1);
  expect(broken.stdout).toContain('did you mean server?');
});

test('config check', async () => {
  const cwd = await home('metrics: { token: s3cret }');
  const right = await run(cwd, ['config', 'check']);
  expect(right).toEqual({ status: 0, stdout: `${join(cwd, 'parallama.yaml')} is right.\n`, stderr: '' });
  const shown = await run(cwd, ['config', 'check', '--json'], { env: { PARALLAMA_SERVER_PORT: '9' } });
  expect(JSON.parse(shown.stdout)).toMatchObject({
    config: { server: { port: 9 }, metrics: { enabled: true } },
  });
  expect(shown.stdout).not.toContain('s3cret');
  expect((await run(await directory(), ['config', 'check'])).status).toBe(0);
  const wrong = await run(cwd, ['config', 'check'], { env: { PARALLAMA_SERVER_PORT: 'x' } });
  expect(wrong).toMatchObject({ status: 1, stdout: '' });
  expect(wrong.stderr).toContain('PARALLAMA_SERVER_PORT: server.port: is text; expected a port');
});

test.each([
  [
    ['gateway', 'toggle', 'opnai', '--enabled', 'true'],
    'Unknown gateway "opnai". Gateways: ollama, openai. Did you mean "openai"?',
  ],
  [['gateway', 'toggle', 'openai'], 'Missing --enabled.'],
  [
    ['gateway', 'toggle', 'openai', '--enabled', 'yes'],
    'Option "--enabled" is "yes"; expected true or false.',
  ],
  [['gateway', 'config', 'openai', '--model-mapping', 'gpt-4'], 'expected NAME=MODEL'],
  [
    ['gateway', 'config', 'openai', '--model-mapping', 'a=b', '--remove-mapping', 'a'],
    'The mapping "a" is given twice.',
  ],
  [['gateway', 'config', 'openai', '--reset', '--default-model', 'a'], '--reset excludes the other options.'],
  [['gateway', 'metrics', '--gateway', 'x'], 'Unknown gateway "x".'],
  [
    ['usage', 'report', '--format', 'cvs'],
    'Unknown format "cvs". Formats: table, json, csv. Did you mean "csv"?',
  ],
  [['usage', 'export', '--format', 'table'], 'Unknown format "table".'],
  [['usage', 'report', '--start-date', '2026-02-30'], 'Option "--start-date" is "2026-02-30"'],
  [['limits', 'set', 'ada'], 'Missing a limit, such as --token-limit-daily.'],
  [['user', 'update', 'ada'], 'Missing --role.'],
  [['user', 'update', 'ada', '--role', 'boss'], 'Unknown role "boss".'],
])('%j is 2', async (args, message) => {
  const { status, stdout, stderr } = await run(await home(), args);
  expect(stderr).toContain(message);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});

test('a mapping to a mapping, and an unknown user, are 1', async () => {
  const cwd = await home();
  await run(cwd, ['gateway', 'config', 'openai', '--model-mapping', 'a=b', '--model-mapping', 'c=d']);
  const chained = await run(cwd, ['gateway', 'config', 'openai', '--model-mapping', 'e=a']);
  expect(chained).toMatchObject({ status: 1, stderr: expect.stringContaining('itself a mapping') });
  for (const args of [
    ['user', 'delete', 'bob', '--yes'],
    ['auth', 'rotate-tokens', 'bob'],
    ['usage', 'show', 'bob'],
    ['limits', 'show', 'bob'],
  ]) {
    const { status, stderr } = await run(cwd, args);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining('There is no user "bob".'),
    });
  }
});

test('a password file that is named must be there, and is not shown', async () => {
  const cwd = await home('store: { url: "redis://127.0.0.1:1", password_file: ./db_password }');
  const missing = await run(cwd, ['user', 'list']);
  expect(missing).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('db_password cannot be read (ENOENT)'),
  });
  await writeFile(join(cwd, 'db_password'), 's3cret\n', { mode: 0o644 });
  const server = await run(cwd, ['doctor', '--json']);
  expect(server.stdout + server.stderr).not.toContain('s3cret');
  expect(server.status).toBe(1);
});
