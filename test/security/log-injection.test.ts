/** What a client writes stays within the line and the field it is logged in, and harms no terminal. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serve } from '../../src/adapters/server.js';
import { createGateway } from '../../src/core/gateway.js';
import { startSimulator } from '../../src/testing/index.js';
import { send } from '../support/gateway.js';
import { cli, writeConfig } from '../support/server-process.js';
import { raw, request } from './raw.js';

const FORGED = '{"level":"info","event":"login","user":"root"}';
/** A line of its own, the colours and the title of a terminal, and the end of a JSON text. */
const INJECTIONS = [
  `x\n${FORGED}\n`,
  `x\r\n${FORGED}`,
  `x\u2028${FORGED}`,
  '\u001b[2J\u001b[31mred\u001b]0;title\u0007',
  '\u009b31m',
  `","event":"login","user":"root`,
  '\0',
];

let directory: string;
let config: string;
let lines: Record<string, unknown>[];
let bytes: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parallama-test-'));
  const simulator = await startSimulator();
  config = await writeConfig(directory, simulator.port);
  const gateway = await createGateway({ config });
  const server = await serve(gateway, { port: 0 });
  const ann = await gateway.users.create({ username: 'ann', password: 'a-good-password', role: 'premium' });
  const { key } = await gateway.keys.generate(ann, { name: `mine${INJECTIONS[3]}` });

  for (const text of INJECTIONS) {
    const messages = [{ role: 'user', content: 'Hello!' }];
    const encoded = encodeURIComponent(text);
    await send(server.url, '/openai/v1/chat/completions', { key, body: { model: text, messages } });
    await send(server.url, '/ollama/api/generate', { key, body: { model: text, prompt: 'a' } });
    await send(server.url, '/auth/login', { body: { username: text, password: text } });
    await send(server.url, '/auth/keys', { key, body: { name: text } });
    await send(server.url, `/openai/v1/${encoded}`, { key });
    await send(server.url, `/openai/v1/models/${encoded}`, { key });
    await send(server.url, `/auth/keys/${encoded}`, { key, method: 'DELETE' });
  }
  for (const header of ['User-Agent', 'X-Request-Id', 'X-Forwarded-For', 'Referer']) {
    await raw(server.url, request('GET /openai/v1/models HTTP/1.1', [`${header}: x\x1b[31m\x85 ${FORGED}`]));
  }
  await raw(server.url, request(`GET /openai/v1/${FORGED.replaceAll(' ', '')}\x85\x9b HTTP/1.1`));
  await server.close();
  await simulator.close();

  const log = join(directory, 'log');
  const texts = await Promise.all((await readdir(log)).map((name) => readFile(join(log, name), 'utf8')));
  bytes = texts.join('');
  lines = bytes
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('every line of the logs is one that the gateway wrote', () => {
  expect(lines.length).toBeGreaterThan(INJECTIONS.length * 5);
  for (const line of lines)
    expect(Object.keys(line)).toEqual(expect.arrayContaining(['level', 'time', 'pid', 'log']));
  expect(lines.filter(({ user }) => user === 'root')).toEqual([]);
});

test('no control character is in a log', () => {
  expect(/[^\P{Cc}\n].{0,20}/u.exec(bytes)?.[0]).toBeUndefined();
});

test('names of models that are not there are kept nowhere, however many', async () => {
  expect((await cli(config, 'usage', 'export')).trim().split('\n')).toHaveLength(1);
});

test('a request id of a client is logged where it is sane only', () => {
  for (const { request_id } of lines) {
    if (request_id !== undefined) expect(request_id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/);
  }
});

describe('the command line shows an operator what users have named, and no more than that', () => {
  test.each([
    ['key', 'list', '--username', 'ann'],
    ['usage', 'report'],
    ['usage', 'export'],
    ['user', 'list'],
  ])('%s %s', async (...args) => {
    const shown = await cli(config, ...args);
    expect(/[^\P{Cc}\n].{0,20}/u.exec(shown)?.[0]).toBeUndefined();
  });

  test('as JSON, too', async () => {
    const shown = await cli(config, 'key', 'list', '--username', 'ann', '--json');
    expect(/[^\P{Cc}\n].{0,20}/u.exec(shown)?.[0]).toBeUndefined();
    expect(JSON.parse(shown)).toHaveLength(1 + INJECTIONS.length);
  });
});
