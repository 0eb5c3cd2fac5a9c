import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { demoLines } from '../../src/cli/demo/lines.js';
import { startSimulator } from '../../src/testing/index.js';
import { directory, run, start } from './run.js';

const shell = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The blocks to paste: what stands between a line `# Title` and the next. */
const blocks = (text: string) => text.split(/^# .*\n/m).slice(1);
const keyIn = (text: string) => /pk_live_[0-9A-Za-z]+/.exec(text)?.[0] ?? '';

async function ollama(): Promise<string> {
  const simulator = await startSimulator({ port: 0 });
  onTestFinished(() => simulator.close());
  return simulator.url;
}

test('every block works when it is pasted', async () => {
  const cwd = await directory();
  const demo = start(cwd, ['demo', '--port', '0', '--ollama', await ollama()]);
  const shown = await demo.shows(/admin\/v1\/usage.*\n/);
  expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  const paste = async (block: string | undefined) =>
    (await shell('bash', ['-c', (block ?? '').replace(/^curl /m, 'curl -sS ')], { cwd: ROOT })).stdout;
  const [whole, streaming, openai, native, usage] = blocks(shown);
  expect(JSON.parse(await paste(whole)).choices[0].message.content).not.toBe('');
  expect(await paste(streaming)).toMatch(/^data: \{[\s\S]*\ndata: \[DONE\]\n\n$/);
  expect((await paste(openai)).trim()).not.toBe('');
  expect((await paste(native)).trim()).not.toBe('');
  expect(JSON.parse(await paste(usage)).gateways.openai.today.total_requests).toBe(3);

  demo.process.kill('SIGINT');
  const { status, stderr } = await demo.ended;
  expect(status).toBe(0);
  expect(stderr).not.toMatch(/warning/i);
});

test('the next start has a new key, and the old one is void', async () => {
  const cwd = await directory();
  const upstream = await ollama();
  const first = start(cwd, ['demo', '--port', '0', '--ollama', upstream]);
  const old = keyIn(await first.shows(/pk_live_\w+/));
  first.process.kill('SIGTERM');
  await first.ended;

  const second = start(cwd, ['demo', '--port', '0', '--ollama', upstream, '--json']);
  const { url, key, model } = JSON.parse(await second.shows(/\n/));
  expect(model).toBeTruthy();
  const status = async (bearer: string) =>
    (await fetch(`${url}/openai/v1/models`, { headers: { authorization: `Bearer ${bearer}` } })).status;
  expect(key).not.toBe(old);
  expect(await status(key)).toBe(200);
  expect(await status(old)).toBe(401);

  const config = join('.parallama', 'config.yaml');
  const info = await run(cwd, ['user', 'info', 'demo', '--json', '--config', config]);
  expect(JSON.parse(info.stdout)).toMatchObject({ username: 'demo', role: 'premium', keys: 1 });
  expect(existsSync(join(cwd, '.parallama', '.gitignore'))).toBe(true);
  expect(existsSync(join(cwd, 'parallama.db'))).toBe(false);
});

test('a busy port leaves the running demo alone', async () => {
  const cwd = await directory();
  const upstream = await ollama();
  const demo = start(cwd, ['demo', '--port', '0', '--ollama', upstream, '--json']);
  const { url, key } = JSON.parse(await demo.shows(/\n/));
  const again = await run(cwd, ['demo', '--port', new URL(url).port, '--ollama', upstream]);
  expect(again).toMatchObject({ status: 1, stdout: '' });
  expect(again.stderr).toContain('is in use');
  const answer = await fetch(`${url}/openai/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect(answer.status).toBe(200);
});

test('an Ollama that was named and does not answer is an error', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const { status, stderr } = await run(await directory(), [
    'demo',
    '--port',
    '0',
    '--ollama',
    `127.0.0.1:${port}`,
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain(`No Ollama answers at http://127.0.0.1:${port}.`);
});

test('lines fit into 80 columns with a port of five digits', () => {
  const lines = demoLines({
    url: 'http://127.0.0.1:65535',
    key: 'pk_live_'.padEnd(62, 'x'),
    model: 'llama3.2:3b',
  });
  for (const { lines: text } of lines) {
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  }
});
