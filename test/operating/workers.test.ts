import { rename, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Beside, startBeside } from '../cli/beside.js';
import { home, run } from '../cli/run.js';
import { startClients } from './load.js';

interface Status {
  processes: { pid: number }[];
}

const twoWorkers = { config: 'server: { workers: 2, shutdown_timeout: 20 }' };

async function userKey({ json }: Beside): Promise<{ key: string; id: string }> {
  const { id } = await json<{ id: string }>('user', 'create', 'ada', '--admin');
  const { key } = await json<{ key: string }>('key', 'generate', 'ada');
  return { key, id };
}

async function pids({ json }: Beside, count: number): Promise<number[]> {
  for (;;) {
    const { processes } = await json<Status>('gateway', 'status');
    if (processes.length === count) return processes.map(({ pid }) => pid);
    await sleep(200);
  }
}

/** Requests of OpenAI's chat, as /metrics has them. */
async function counted({ ask }: Beside): Promise<number> {
  // What is read is up to a second old.
  await sleep(1_100);
  const { text } = await ask('/metrics');
  const lines = text.matchAll(/^parallama_requests_total\{gateway="openai",.*status="200".*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

test('metrics and status are those of all workers, and no count falls when one is killed', {
  timeout: 90_000,
}, async () => {
  const beside = await startBeside(twoWorkers);
  const { key } = await userKey(beside);
  const before = await pids(beside, 2);
  expect(before).not.toContain(beside.server.process.pid);
  const models = async (times: number) => {
    for (let i = 0; i < times; i += 1)
      expect((await beside.ask('/openai/v1/models', { key })).status).toBe(200);
  };
  await models(10);
  expect(await counted(beside)).toBe(10);

  process.kill(before[0]!, 'SIGKILL');
  // The other goes on. A connection that the dead one had may fail first.
  await sleep(100);
  await models(10);
  expect(await counted(beside)).toBe(20);
  await beside.server.shows(/A worker ended \(SIGKILL\); another starts/, 'stderr');

  // The dead one's row is gone within 15 s, and there are two again.
  const deadline = Date.now() + 17_000;
  let after: number[];
  do after = await pids(beside, 2);
  while (after.includes(before[0]!) && Date.now() < deadline);
  expect(after).not.toContain(before[0]);
  expect(after).toContain(before[1]);
  expect(await counted(beside)).toBe(20);
  const { text } = await beside.ask('/metrics');
  expect(text).toMatch(/^parallama_upstream_up 1$/m);
  expect(text).toMatch(/^parallama_gateway_enabled\{gateway="openai"\} 1$/m);

  beside.server.process.kill('SIGTERM');
  expect((await beside.server.ended).status).toBe(0);
});

test.each([1, 2])('SIGTERM under load, %i worker(s): no answer is cut, no usage is lost', async (workers) => {
  const beside = await startBeside({ config: `server: { workers: ${workers}, shutdown_timeout: 20 }` });
  const { key, id } = await userKey(beside);
  beside.simulator.pace = 3;
  const clients = startClients(beside.url, key, 16);
  await sleep(1_500);
  const signalled = Date.now();
  beside.server.process.kill('SIGTERM');
  const { status } = await beside.server.ended;
  expect(Date.now() - signalled).toBeLessThan(15_000);
  await clients.stop();
  expect(status).toBe(0);
  expect(clients.cut).toEqual([]);
  expect(clients.whole).toBeGreaterThan(16);

  const report = await beside.json<object[]>('usage', 'report');
  expect(report).toEqual([
    expect.objectContaining({
      user_id: id,
      requests: clients.whole,
      total_tokens: clients.tokens,
      aborted: 0,
    }),
  ]);
  expect(await beside.json('usage', 'verify')).toMatchObject({ differences: [] });
  expect((await beside.json<Status>('gateway', 'status')).processes).toEqual([]);
});

test('a second signal ends all workers at once', async () => {
  const beside = await startBeside(twoWorkers);
  const { key } = await userKey(beside);
  await pids(beside, 2);
  beside.simulator.pace = 1_000;
  const clients = startClients(beside.url, key, 4);
  await sleep(500);
  beside.server.process.kill('SIGTERM');
  await beside.server.shows(/Stopping/, 'stderr');
  await sleep(400);
  expect(beside.server.process.exitCode).toBeNull();
  beside.server.process.kill('SIGTERM');
  expect((await beside.server.ended).status).toBe(143);
  await clients.stop();
  await expect(fetch(`${beside.url}/healthz`)).rejects.toThrow();
});

test.each([1, 2])('SIGHUP opens the logs again, %i worker(s)', async (workers) => {
  const beside = await startBeside({ config: `server: { workers: ${workers} }` });
  await pids(beside, workers);
  const log = join(beside.cwd, 'logs', 'api.log');
  await beside.ask('/status');
  // A line is written after its answer has gone out.
  while ((await stat(log)).size === 0) await sleep(20);
  await rename(log, `${log}.moved`);
  const { size } = await stat(`${log}.moved`);
  beside.server.process.kill('SIGHUP');
  await sleep(500);
  for (let i = 0; i < 8; i += 1) await beside.ask('/status');
  await sleep(100);
  expect((await stat(log)).size).toBeGreaterThan(0);
  expect((await stat(`${log}.moved`)).size).toBe(size);
  expect(beside.server.process.exitCode).toBeNull();
});

test('a port in use, and a store that workers cannot share, are said once', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const busy = await run(await home('server: { workers: 3 }'), ['serve', '--port', String(port)]);
  expect(busy).toMatchObject({ status: 1, stdout: '' });
  expect(busy.stderr.match(/is in use/g)).toHaveLength(1);

  const memory = await run(await home('server: { workers: 2 }\nstore: { url: "memory:" }'), ['serve']);
  expect(memory).toMatchObject({ status: 1, stdout: '' });
  expect(memory.stderr).toContain('is not shared');
});
