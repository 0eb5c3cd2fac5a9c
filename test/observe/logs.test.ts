import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { checkConfig, type LoggingConfig } from '../../src/core/config.js';
import { createLogs, LOG_NAMES, logsFrom } from '../../src/core/observe/logs.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parallama-logs-'));
});
afterEach(() => rm(directory, { recursive: true }));

const logging = (more: Partial<LoggingConfig> = {}): LoggingConfig => ({
  ...checkConfig({}).logging,
  directory: join(directory, 'logs'),
  ...more,
});

const parse = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const logged = async (name: string) => parse(await readFile(join(directory, 'logs', `${name}.log`), 'utf8'));

/** What a process would print. */
function printer() {
  let text = '';
  const write = (line: string) => {
    text += line;
  };
  return { stdout: { write }, printed: () => parse(text), text: () => text };
}

describe('logs in files', () => {
  it('are one JSON object a line, in a file for each log', async () => {
    const logs = createLogs(logging());
    for (const name of LOG_NAMES) logs[name].info({ request_id: 'r1' }, `to ${name}`);
    await logs.close();
    expect((await readdir(join(directory, 'logs'))).sort()).toEqual(
      ['api.log', 'auth.log', 'error.log', 'gateway.log', 'usage.log'].sort(),
    );
    for (const name of LOG_NAMES) {
      expect(await logged(name)).toEqual([
        {
          level: 'info',
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          pid: process.pid,
          log: name,
          request_id: 'r1',
          msg: `to ${name}`,
        },
      ]);
    }
    expect(logs.notices).toEqual([]);
  });

  it('bear the time at which they were logged, however long they wait for others', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000 });
    onTestFinished(() => void vi.useRealTimers());
    const logs = createLogs(logging());
    logs.api.info({ n: 1 });
    vi.setSystemTime(2_000);
    logs.api.info({ n: 2 });
    vi.setSystemTime(3_000);
    logs.api.warn({ n: 3 });
    await logs.close();
    expect((await logged('api')).map(({ n, time }) => [n, Date.parse(String(time))])).toEqual([
      [1, 1_000],
      [2, 2_000],
      [3, 3_000],
    ]);
  });

  it('are in the file soon after, without another line or a close', async () => {
    const logs = createLogs(logging());
    onTestFinished(() => logs.close());
    logs.api.info({ n: 1 });
    await vi.waitFor(async () => expect(await logged('api')).toHaveLength(1));
  });

  it('have each error in error.log too, once', async () => {
    const logs = createLogs(logging());
    logs.gateway.error({ err: new Error('broke') }, 'A request failed.');
    logs.gateway.warn({}, 'not an error');
    logs.error.error({}, 'An error of its own.');
    await logs.close();
    expect((await logged('gateway')).map(({ level }) => level)).toEqual(['error', 'warn']);
    expect(await logged('error')).toEqual([
      expect.objectContaining({ log: 'gateway', err: expect.objectContaining({ message: 'broke' }) }),
      expect.objectContaining({ log: 'error', msg: 'An error of its own.' }),
    ]);
  });

  it('have errors on disk at once', async () => {
    const logs = createLogs(logging());
    logs.auth.info({}, 'before');
    logs.auth.error({}, 'the last words');
    const { readFileSync } = await import('node:fs');
    const read = (name: string) => parse(readFileSync(join(directory, 'logs', `${name}.log`), 'utf8'));
    expect(read('auth').map(({ msg }) => msg)).toEqual(['before', 'the last words']);
    expect(read('error').map(({ msg }) => msg)).toEqual(['the last words']);
    await logs.close();
  });

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ] as const)('of level %s hold %j', async (level, expected) => {
    const logs = createLogs(logging({ level }));
    logs.api.debug({});
    logs.api.info({});
    logs.api.warn({});
    logs.api.error({});
    await logs.close();
    expect((await logged('api')).map((line) => line.level)).toEqual(expected);
  });

  it('rotate by size and keep so many files', async () => {
    const logs = createLogs(logging({ max_size: 1_000, max_files: 3 }));
    for (let n = 0; n < 200; n++) logs.api.info({ n });
    await logs.close();
    const names = (await readdir(join(directory, 'logs'))).filter((name) => name.startsWith('api.log'));
    expect(names).toHaveLength(3);
    expect((await logged('api')).at(-1)).toMatchObject({ n: 199 });
  });

  it('are opened again after they were moved', async () => {
    const logs = createLogs(logging());
    logs.usage.info({ n: 1 });
    await rename(join(directory, 'logs', 'usage.log'), join(directory, 'usage.old')).then(logs.reopen);
    logs.usage.info({ n: 2 });
    await logs.close();
    expect(await logged('usage')).toEqual([expect.objectContaining({ n: 2 })]);
    expect(parse(await readFile(join(directory, 'usage.old'), 'utf8'))).toEqual([
      expect.objectContaining({ n: 1 }),
    ]);
  });

  it('drop lines after their end without an error', async () => {
    const logs = createLogs(logging());
    await logs.close();
    logs.api.error({}, 'late');
    await logs.close();
    expect(await logged('api')).toEqual([]);
  });
});

describe('logs without a directory', () => {
  it('go to standard output, and one notice says so', async () => {
    await writeFile(join(directory, 'logs'), 'a file is in the way');
    const { stdout, printed } = printer();
    const logs = createLogs(logging(), { stdout });
    for (const name of LOG_NAMES) logs[name].error({}, 'x');
    logs.reopen();
    await logs.close();
    expect(printed().map(({ log }) => log)).toEqual([...LOG_NAMES]);
    expect(logs.notices).toEqual([
      `Logs go to standard output: ${join(directory, 'logs')} cannot be written (EEXIST).`,
    ]);
  });

  it('go there too where one file cannot be written', async () => {
    await mkdir(join(directory, 'logs', 'usage.log'), { recursive: true });
    const { stdout, printed } = printer();
    const logs = createLogs(logging(), { stdout });
    logs.api.info({}, 'x');
    await logs.close();
    expect(printed()).toHaveLength(1);
    expect(logs.notices).toEqual([expect.stringContaining('(EISDIR)')]);
  });
});

describe('secrets', () => {
  const SECRET = 'hunter2-hunter2';

  function leaky(err: Error) {
    return {
      request_id: 'r1',
      authorization: `Bearer ${SECRET}`,
      password: SECRET,
      key: SECRET,
      token: SECRET,
      refresh_token: SECRET,
      secret: SECRET,
      body: { username: 'u', password: SECRET, list: [{ apiKey: SECRET, n: 1 }] },
      headers: { Authorization: SECRET, 'X-Api-Key': SECRET, 'Set-Cookie': [SECRET], accept: '*/*' },
      err: Object.assign(err, { token: SECRET, options: { headers: { authorization: SECRET } } }),
      prompt_tokens: 7,
      key_id: 'k1',
    };
  }

  it('are dropped from a line, whatever else is on it stays', async () => {
    const logs = createLogs(logging());
    const fields = leaky(new Error('broke'));
    logs.auth.error(fields, 'x');
    await logs.close();
    const text = await readFile(join(directory, 'logs', 'auth.log'), 'utf8');
    expect(text).not.toContain(SECRET);
    expect(parse(text)).toEqual([
      expect.objectContaining({
        request_id: 'r1',
        prompt_tokens: 7,
        key_id: 'k1',
        body: { username: 'u', list: [{ n: 1 }] },
        headers: { accept: '*/*' },
        err: expect.objectContaining({ message: 'broke', options: { headers: {} } }),
      }),
    ]);
    expect(fields.body.password).toBe(SECRET);
  });

  it('are dropped on the way to a host app too', () => {
    const { stdout, text } = printer();
    const { err: _, ...fields } = leaky(new Error());
    logsFrom(pino({}, stdout)).auth.info(fields);
    expect(text()).not.toContain(SECRET);
    expect(text()).toContain('"prompt_tokens":7');
  });

  it('do not make it run in circles', async () => {
    const logs = createLogs(logging());
    const circle: Record<string, unknown> = { n: 1, secret: SECRET };
    circle.self = circle;
    logs.api.info(circle);
    await logs.close();
    expect(await logged('api')).toEqual([expect.objectContaining({ n: 1 })]);
    expect(JSON.stringify(await logged('api'))).not.toContain(SECRET);
  });
});

describe('logs in a host app', () => {
  it('are children of its logger, told apart by name', async () => {
    const { stdout, printed } = printer();
    const logs = logsFrom(pino({ level: 'warn', base: { app: 'mine' } }, stdout));
    for (const name of LOG_NAMES) logs[name].warn({ request_id: name }, 'x');
    logs.api.info({}, 'below the level of the host');
    logs.reopen();
    await logs.close();
    expect(printed()).toEqual(
      LOG_NAMES.map((log) => expect.objectContaining({ app: 'mine', log, request_id: log, msg: 'x' })),
    );
    expect(logs.notices).toEqual([]);
  });
});
