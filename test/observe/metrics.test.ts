import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMetrics } from '../../src/core/observe/metrics.js';

/** Samples by name and labels. */
async function samples(metrics: ReturnType<typeof createMetrics>): Promise<Map<string, number>> {
  const lines = (await metrics.render()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('metrics', () => {
  it('count requests, and those being answered', async () => {
    const metrics = createMetrics();
    for (let n = 0; n < 3; n++) metrics.started('openai');
    metrics.requestDone('openai', '/chat/completions', 200, 0.3);
    metrics.requestDone('openai', '/chat/completions', 429, 0.002);
    const found = await samples(metrics);
    const route = 'gateway="openai",route="/chat/completions"';
    expect(found.get(`parallama_requests_total{${route},status="200"}`)).toBe(1);
    expect(found.get(`parallama_requests_total{${route},status="429"}`)).toBe(1);
    expect(found.get('parallama_requests_in_flight{gateway="openai"}')).toBe(1);
    expect(found.get('parallama_requests_in_flight{gateway="ollama"}')).toBe(0);
    expect(found.get(`parallama_request_duration_seconds_bucket{le="0.25",${route}}`)).toBe(1);
    expect(found.get(`parallama_request_duration_seconds_bucket{le="0.5",${route}}`)).toBe(2);
    expect(found.get(`parallama_request_duration_seconds_sum{${route}}`)).toBeCloseTo(0.302);
    metrics.close();
  });

  it('count tokens by model and kind', async () => {
    const metrics = createMetrics();
    metrics.tokens('ollama', 'llama2:70b', 12, 0);
    metrics.tokens('ollama', 'llama2:70b', 3, 40);
    const found = await samples(metrics);
    const model = 'gateway="ollama",model="llama2:70b"';
    expect(found.get(`parallama_tokens_total{${model},kind="prompt"}`)).toBe(15);
    expect(found.get(`parallama_tokens_total{${model},kind="completion"}`)).toBe(40);
    metrics.close();
  });

  it('count refusals and errors', async () => {
    const metrics = createMetrics();
    metrics.refused('ollama', 'tokens_hourly');
    metrics.failed('', 'store_unavailable');
    metrics.storeFailed();
    metrics.storeDone('reserve', 0.0007);
    const found = await samples(metrics);
    expect(found.get('parallama_refusals_total{gateway="ollama",reason="tokens_hourly"}')).toBe(1);
    expect(found.get('parallama_errors_total{gateway="",kind="store_unavailable"}')).toBe(1);
    expect(found.get('parallama_store_errors_total')).toBe(1);
    expect(found.get('parallama_store_duration_seconds_bucket{le="0.0005",operation="reserve"}')).toBe(0);
    expect(found.get('parallama_store_duration_seconds_bucket{le="0.001",operation="reserve"}')).toBe(1);
    metrics.close();
  });

  it('say whether upstream and gateways are up, once that is known', async () => {
    const metrics = createMetrics();
    expect((await samples(metrics)).has('parallama_upstream_up')).toBe(false);
    metrics.upstreamUp(true);
    metrics.gatewayEnabled('ollama', true);
    metrics.gatewayEnabled('openai', false);
    const found = await samples(metrics);
    expect(found.get('parallama_upstream_up')).toBe(1);
    expect(found.get('parallama_gateway_enabled{gateway="ollama"}')).toBe(1);
    expect(found.get('parallama_gateway_enabled{gateway="openai"}')).toBe(0);
    metrics.upstreamUp(false);
    expect((await samples(metrics)).get('parallama_upstream_up')).toBe(0);
    metrics.close();
  });

  it('time the upstream and the first token', async () => {
    const metrics = createMetrics();
    metrics.firstToken('openai', 0.04);
    metrics.upstreamDone(1.5);
    const found = await samples(metrics);
    expect(found.get('parallama_time_to_first_token_seconds_count{gateway="openai"}')).toBe(1);
    expect(found.get('parallama_upstream_duration_seconds_bucket{le="1"}')).toBe(0);
    expect(found.get('parallama_upstream_duration_seconds_bucket{le="2.5"}')).toBe(1);
    metrics.close();
  });

  it('publish the error of estimates, in both directions', async () => {
    const metrics = createMetrics();
    for (const [estimate, observed] of [
      [20, 25],
      [20, 20],
      [30, 20],
      [20_000, 1],
    ] as const) {
      metrics.estimated(estimate, observed);
    }
    const found = await samples(metrics);
    const upTo = (le: string) => found.get(`parallama_estimate_error_tokens_bucket{le="${le}"}`);
    expect(['-10', '-3', '0', '3', '10', '10000', '+Inf'].map(upTo)).toEqual([0, 1, 2, 2, 3, 3, 4]);
    expect(found.get('parallama_estimate_error_tokens_sum')).toBe(-5 + 0 + 10 + 19_999);
    metrics.close();
  });

  it('have those of the process beside them', async () => {
    const metrics = createMetrics();
    const found = await samples(metrics);
    expect(found.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(found.has('process_cpu_user_seconds_total')).toBe(true);
    expect(found.has('nodejs_heap_size_used_bytes')).toBe(true);
    expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    metrics.close();
  });

  it('are apart for two gateways in one process', async () => {
    const first = createMetrics();
    const second = createMetrics();
    first.storeFailed();
    expect((await samples(first)).get('parallama_store_errors_total')).toBe(1);
    expect((await samples(second)).get('parallama_store_errors_total')).toBe(0);
    first.close();
    expect((await samples(second)).get('parallama_store_errors_total')).toBe(0);
    second.close();
  });

  it('leave nothing that keeps the process alive, and take late calls', async () => {
    // Immediates come and go by themselves.
    const alive = () =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => kind !== 'Immediate')
        .sort();
    const before = alive();
    const metrics = createMetrics();
    metrics.started('openai');
    await metrics.render();
    metrics.close();
    metrics.requestDone('openai', '/models', 200, 0.1);
    expect((await metrics.render()).trim()).toBe('');
    expect(alive()).toEqual(before);
  });

  it('have the names and types of prom-client', async () => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const metrics = createMetrics();
    const kept = (lines: string) =>
      [...lines.matchAll(/^# TYPE ((?:process|nodejs)_\S+ \w+)$/gm)].map(([, type]) => type).sort();
    const renamed = /^nodejs_active_(?:handles|requests|resources)_total/;
    const ours = kept(await metrics.render());
    expect(ours).toContain('nodejs_eventloop_lag_p99_seconds gauge');
    expect(ours).toEqual(
      kept(await registry.metrics()).filter(
        (type) => !renamed.test(type!) && !/^nodejs_active_(?:handles|requests) /.test(type!),
      ),
    );
    metrics.close();
  });
});

describe('a process', () => {
  it('is not watched any more once its gateways have closed', async () => {
    const script = `
      import * as hooks from 'node:perf_hooks';
      const { createMetrics } = await import(process.argv[1]);
      const count = { observers: 0, loops: 0 };
      const { observe, disconnect } = hooks.PerformanceObserver.prototype;
      hooks.PerformanceObserver.prototype.observe = function (...given) { count.observers += 1; return observe.apply(this, given); };
      hooks.PerformanceObserver.prototype.disconnect = function () { count.observers -= 1; return disconnect.call(this); };
      const loop = Object.getPrototypeOf(hooks.monitorEventLoopDelay());
      const { enable, disable } = loop;
      loop.enable = function () { count.loops += 1; return enable.call(this); };
      loop.disable = function () { count.loops -= 1; return disable.call(this); };
      const all = Array.from({ length: 3 }, createMetrics);
      const during = { ...count };
      for (const metrics of all) metrics.close();
      console.log(JSON.stringify({ during, after: count }));
    `;
    const directory = mkdtempSync(join(import.meta.dirname, '../../node_modules/.parallama-metrics-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const outfile = join(directory, 'metrics.mjs');
    const entry = join(import.meta.dirname, '../../src/core/observe/metrics.ts');
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
    });
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, outfile]);
    expect(String(stderr)).toBe('');
    expect(JSON.parse(String(stdout))).toEqual({
      during: { observers: 3, loops: 3 },
      after: { observers: 0, loops: 0 },
    });
  });
});
