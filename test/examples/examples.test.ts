/** Every example is run as its reader runs it, against a simulated Ollama. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../src/testing/index.js';
import { send, until } from '../support/gateway.js';
import { examples, type Packed, pack } from '../support/packed.js';

const run = promisify(execFile);
const hello = { model: 'gpt-4', messages: [{ role: 'user', content: 'Hello!' }] };
const CHAT = '/openai/v1/chat/completions';

let packed: Packed;
let simulator: Simulator;
let running: ChildProcess | undefined;
beforeAll(async () => {
  [packed, simulator] = await Promise.all([pack(), startSimulator()]);
});
afterEach(() => {
  running?.kill('SIGKILL');
});
afterAll(async () => {
  await simulator.close();
  await packed.remove();
});

interface Running {
  url: string;
  directory: string;
  lines: string[];
  /** Ends it as an operator does. @returns its exit code */
  stop(): Promise<number | null>;
}

async function start(name: string, packages: string[]): Promise<Running> {
  const directory = await packed.project({ from: `examples/${name}`, packages });
  const file = join(directory, 'parallama.yaml');
  const config = await readFile(file, 'utf8');
  await writeFile(file, config.replace('port: 11434', `port: ${simulator.port}`));

  const env = { ...process.env, PORT: '0' };
  const child = spawn(process.execPath, ['main.js'], {
    cwd: directory,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  const said = () => lines.find((line) => line.startsWith('http://'));
  const url = await until(() => said() ?? (child.exitCode !== null && lines.join('\n')), 20_000);
  expect(url).toMatch(/^http:\/\/[\w.]+:\d+$/);
  return {
    url: url.replace('localhost', '127.0.0.1'),
    directory,
    lines,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await ended;
      return code;
    },
  };
}

/** The README's way to a key. */
async function newKey(directory: string): Promise<string> {
  const cli = join(directory, 'node_modules/parallama/bin/parallama-cli.cjs');
  const command = (...args: string[]) => run(process.execPath, [cli, ...args], { cwd: directory });
  await command('user', 'create', 'ann');
  const { stdout } = await command('key', 'generate', 'ann', '--json');
  return (JSON.parse(stdout) as { key: string }).key;
}

test.each([
  ['express', '/ai'],
  ['koa', '/ai'],
  ['fastify', '/ai'],
  ['standalone', ''],
])('%s', async (name, prefix) => {
  const { url, directory, lines, stop } = await start(name, name === 'standalone' ? [] : [name]);
  const key = await newKey(directory);
  const reply = await send(url, `${prefix}${CHAT}`, { key, body: hello });
  expect(reply).toMatchObject({
    status: 200,
    json: { choices: [{ message: { content: 'Hi! How can I help you today?' } }] },
  });
  expect((await send(url, `${prefix}${CHAT}`, { body: hello })).status).toBe(401);
  if (prefix !== '') {
    expect((await send(url, '/')).text).toBe('The app itself is as it was.');
  } else {
    await until(() => lines.some((line) => line.endsWith('has used 20 tokens of gpt-4')));
  }
  expect(await stop()).toBe(0);
});

test('own-users', async () => {
  const { url, lines, stop } = await start('own-users', ['express']);
  const ann = { 'x-session': 'token-of-ann' };
  expect((await send(url, `/ai${CHAT}`, { headers: ann, body: hello })).status).toBe(200);
  expect(simulator.requests.at(-1)?.body).toMatchObject({ options: { num_ctx: 4096 } });
  expect((await send(url, `/ai${CHAT}`, { body: hello })).status).toBe(401);
  expect((await send(url, '/ai/auth/register', { body: {} })).status).toBe(404);
  expect((await send(url, '/my-usage', { headers: ann })).json).toMatchObject({
    gateways: { openai: { today: { total_tokens: 20, remaining_tokens: 499_980 } } },
  });

  expect((await send(url, '/slow-down/ann', { method: 'POST' })).json).toEqual({
    openai: { request_limit_hourly: 1 },
  });
  const refused = async () => (await send(url, `/ai${CHAT}`, { headers: ann, body: hello })).status === 429;
  for (let i = 0; i < 40 && !(await refused()); i += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  await until(() => lines.includes('ann was refused: too_many_requests'));
  expect(
    (await send(url, `/ai${CHAT}`, { headers: { 'x-session': 'token-of-bob' }, body: hello })).status,
  ).toBe(200);
  expect(await stop()).toBe(0);
});

test('tests', async () => {
  const directory = await packed.project({ from: 'examples/tests', packages: ['openai'] });
  const { stdout } = await run(process.execPath, ['--test'], { cwd: directory });
  expect(stdout).toMatch(/^. pass 4$/m);
  expect(stdout).toMatch(/^. fail 0$/m);
});

test('there is a test for every example, and each is short', async () => {
  const names = await examples();
  expect(names.sort()).toEqual(['express', 'fastify', 'koa', 'own-users', 'standalone', 'tests']);
  for (const name of names.filter((one) => one !== 'tests')) {
    const text = await readFile(new URL(`../../examples/${name}/main.js`, import.meta.url), 'utf8');
    expect(text.split('\n').length, name).toBeLessThanOrEqual(40);
  }
});
