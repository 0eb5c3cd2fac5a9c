/** Prometheus itself reads /metrics, the rules and the configuration, and answers the dashboard's questions. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startBeside } from '../cli/beside.js';
import { directory } from '../cli/run.js';
import { findProgram } from '../support/services/debian.js';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const program = (name: string) => findProgram({ name, debianPackage: 'prometheus' });

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}
const dashboard: Dashboard = JSON.parse(
  readFileSync(join(DEPLOY, 'grafana/dashboards/parallama.json'), 'utf8'),
);
const queries = dashboard.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => ({ title, expr })),
);

/** @returns what a command says, and its exit code */
function said(file: string, args: string[], input = ''): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = execFile(file, args, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    );
    child.stdin?.end(input);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function someTraffic({
  json,
  ask,
}: Awaited<ReturnType<typeof startBeside>>): Promise<() => Promise<void>> {
  await json('user', 'create', 'ada', '--admin');
  const { key } = await json<{ key: string }>('key', 'generate', 'ada');
  await json('user', 'create', 'poor', '--request-limit-hourly', '0');
  const poor = await json<{ key: string }>('key', 'generate', 'poor');
  const body = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] };
  return async () => {
    await ask('/openai/v1/chat/completions', { key, body });
    await ask('/openai/v1/chat/completions', { key, body: { ...body, stream: true } });
    await ask('/ollama/api/chat', { key, body });
    await ask('/ollama/api/chat', { key: poor.key, body });
    await ask('/openai/v1/chat/completions', { key, body: { ...body, model: 'nothing-like-it' } });
  };
}

test.each([1, 2])('promtool accepts /metrics, %i worker(s)', { timeout: 300_000 }, async (workers) => {
  const promtool = await program('promtool');
  const beside = await startBeside({ config: `server: { workers: ${workers} }` });
  await (await someTraffic(beside))();
  const { text, status } = await beside.ask('/metrics');
  expect(status).toBe(200);
  expect(await said(promtool, ['check', 'metrics'], text)).toEqual({ code: 0, text: '' });
});

test('promtool accepts the configuration and the rules', { timeout: 300_000 }, async () => {
  const promtool = await program('promtool');
  const checked = await said(promtool, ['check', 'config', join(DEPLOY, 'prometheus/prometheus.yml')]);
  expect(checked).toMatchObject({ code: 0, text: expect.stringContaining('8 rules found') });
});

test('a Prometheus that scrapes it has series for every question of the dashboard', {
  timeout: 300_000,
}, async () => {
  const binary = await program('prometheus');
  const beside = await startBeside({ config: 'metrics: { token: for-prometheus }' });
  const traffic = await someTraffic(beside);
  expect((await beside.ask('/metrics')).status).toBe(401);

  const cwd = await directory();
  const port = await freePort();
  await writeFile(
    join(cwd, 'prometheus.yml'),
    `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: parallama
    authorization: { credentials: for-prometheus }
    static_configs: [{ targets: ["${new URL(beside.url).host}"] }]
`,
  );
  const prometheus = spawn(
    binary,
    [
      `--config.file=${cwd}/prometheus.yml`,
      `--storage.tsdb.path=${cwd}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  onTestFinished(() => void prometheus.kill('SIGKILL'));

  const series = async (expr: string): Promise<number> => {
    const query = encodeURIComponent(expr.replaceAll('$__rate_interval', '20s'));
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${query}`).catch(() => undefined);
    // It starts to listen before it is ready.
    if (!answer || answer.status === 503) return 0;
    const { status, data } = (await answer.json()) as { status: string; data?: { result: unknown[] } };
    expect({ expr, status }).toEqual({ expr, status: 'success' });
    return data?.result.length ?? 0;
  };
  const deadline = Date.now() + 60_000;
  let empty = queries;
  while (empty.length > 0 && Date.now() < deadline) {
    await traffic();
    await sleep(500);
    const found = await Promise.all(empty.map(({ expr }) => series(expr)));
    empty = empty.filter((_, at) => found[at] === 0);
  }
  expect(empty).toEqual([]);
  expect(await series('up{job="parallama"} == 1')).toBe(1);
});
