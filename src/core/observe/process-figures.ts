/**
 * Figures of the process: prom-client's, but for its two that go on for ever once they were begun. What watches the
 * garbage collector and the event loop here ends when a gateway closes.
 */
import {
  constants,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';
import heapSize from 'prom-client/lib/metrics/heapSizeAndUsed.js';
import heapSpaces from 'prom-client/lib/metrics/heapSpacesSizeAndUsed.js';
import memory from 'prom-client/lib/metrics/osMemoryHeap.js';
import cpu from 'prom-client/lib/metrics/processCpuTotal.js';
import maxFiles from 'prom-client/lib/metrics/processMaxFileDescriptors.js';
import openFiles from 'prom-client/lib/metrics/processOpenFileDescriptors.js';
import resources from 'prom-client/lib/metrics/processResources.js';
import startTime from 'prom-client/lib/metrics/processStartTime.js';
import version from 'prom-client/lib/metrics/version.js';
import { createHistogram } from './figures.js';

const GC_SECONDS = [0.001, 0.01, 0.1, 1, 2, 5];
const GC_KINDS: Record<number, string> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};
/** Milliseconds between two looks at the event loop. */
const LAG_RESOLUTION_MS = 10;

/** @returns ends what watches */
export function watchProcess(registry: Registry): () => void {
  for (const collect of [
    cpu,
    startTime,
    memory,
    openFiles,
    maxFiles,
    resources,
    heapSize,
    heapSpaces,
    version,
  ]) {
    collect(registry);
  }
  // Prometheus keeps `_total` for counters, which this is not; the same figures are there by type.
  registry.removeSingleMetric('nodejs_active_resources_total');
  const ends = [watchCollector(registry), watchLoop(registry)];
  return () => {
    for (const end of ends) end();
  };
}

function watchCollector(registry: Registry): () => void {
  const seconds = createHistogram(
    registry,
    {
      name: 'nodejs_gc_duration_seconds',
      help: 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
      labelNames: ['kind'],
    },
    GC_SECONDS,
  );
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seconds.observe(entry.duration / 1_000, kindOf(entry));
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}

function kindOf({ detail }: PerformanceEntry & { detail?: unknown }): string {
  return GC_KINDS[(detail as { kind: number }).kind] ?? 'other';
}

function watchLoop(registry: Registry): () => void {
  const delays = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delays.enable();
  const gauge = (name: string, help: string, aggregator: 'average' | 'min' | 'max', collect?: () => void) =>
    new Gauge({ name: `nodejs_eventloop_lag_${name}`, help, registers: [registry], aggregator, collect });

  const min = gauge('min_seconds', 'The minimum recorded event loop delay.', 'min');
  const max = gauge('max_seconds', 'The maximum recorded event loop delay.', 'max');
  const mean = gauge('mean_seconds', 'The mean of the recorded event loop delays.', 'average');
  const stddev = gauge(
    'stddev_seconds',
    'The standard deviation of the recorded event loop delays.',
    'average',
  );
  const quantiles = [50, 90, 99].map((percent) => ({
    percent,
    shown: gauge(
      `p${percent}_seconds`,
      `The ${percent}th percentile of the recorded event loop delays.`,
      'average',
    ),
  }));
  const lag = gauge('seconds', 'Lag of event loop in seconds.', 'average', () => {
    const start = performance.now();
    setImmediate(() => lag.set((performance.now() - start) / 1_000));
    const inSeconds = (nanoseconds: number) => (Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0);
    min.set(inSeconds(delays.min));
    max.set(inSeconds(delays.max));
    mean.set(inSeconds(delays.mean));
    stddev.set(inSeconds(delays.stddev));
    for (const { percent, shown } of quantiles) shown.set(inSeconds(delays.percentile(percent)));
    delays.reset();
  });
  return () => void delays.disable();
}
