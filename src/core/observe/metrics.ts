/**
 * What Prometheus reads. Labels are the gateway, the route's pattern, and models that the upstream has: never
 * a user, a raw path, or anything else that a client can make up, so that their number stays small.
 */
import {
  AggregatorRegistry,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import type { GatewayName } from '../contract.js';
import type { ErrorKind } from '../errors.js';
import { createCounter, createHistogram } from './figures.js';
import { watchProcess } from './process-figures.js';

/** '' is for routes that belong to no gateway: accounts, status, metrics. */
export type MetricsGateway = GatewayName | '';

/** All durations are in seconds. */
export interface Metrics {
  /** A request has begun. Each is followed by one `requestDone`. */
  started(gateway: MetricsGateway): void;
  /** @param route the pattern of the routes' table, or a name such as `unknown`; never the path as it came */
  requestDone(gateway: MetricsGateway, route: string, status: number, seconds: number): void;
  /** From the request's start to the first byte of its answer. */
  firstToken(gateway: GatewayName, seconds: number): void;
  /** @param model a model that the upstream has */
  tokens(gateway: GatewayName, model: string, prompt: number, completion: number): void;
  /** @param reason which limit refused: `tokens_hourly`, or a like name of ours */
  refused(gateway: MetricsGateway, reason: string): void;
  failed(gateway: MetricsGateway, kind: ErrorKind): void;
  /** From sending a request to the upstream to the end of its answer. */
  upstreamDone(seconds: number): void;
  upstreamUp(up: boolean): void;
  /** @param model a model that the upstream has */
  healed(model: string, outcome: string): void;
  lockedModels(count: number): void;
  gatewayEnabled(gateway: GatewayName, enabled: boolean): void;
  storeDone(operation: string, seconds: number): void;
  storeFailed(): void;
  /** What a prompt was estimated at, and what the upstream counted, in tokens. */
  estimated(estimate: number, observed: number): void;
  /** Ollama has counted so many prompt tokens more than were held for a request. */
  overran(tokens: number): void;
  /** Called before figures are read, for those that are states and not events. */
  beforeRead(refresh: () => Promise<void>): void;
  /** This process's figures. */
  snapshot(): Promise<MetricsSnapshot>;
  /** From now on `render` shows the sum of these: of all the processes that serve as one. */
  gatherFrom(all: () => Promise<MetricsSnapshot[]>): void;
  /** In Prometheus' text format. */
  render(): Promise<string>;
  readonly contentType: string;
  /** Forgets everything; calls that come after it count into nothing. */
  close(): void;
}

/** All figures of one process, as they travel between processes. */
export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

/** The counts of several processes that have ended, as one; what was a state of theirs is over. */
export async function mergeSnapshots(snapshots: MetricsSnapshot[]): Promise<MetricsSnapshot> {
  const all = await AggregatorRegistry.aggregate(snapshots).getMetricsAsJSON();
  // The types of prom-client have an enumeration there; its values are texts.
  return all.filter(({ type }) => ['counter', 'histogram'].includes(String(type)));
}

/** Models load for a minute and write for several. */
const ANSWER_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** The store has a deadline of two seconds. */
const STORE_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 2];
/** Around a right estimate, both ways. */
const ERROR_TOKENS = [-10_000, -1_000, -300, -100, -30, -10, -3, 0, 3, 10, 30, 100, 300, 1_000, 10_000];

/** A registry of its own, as two gateways may live in one process. The process's metrics are in each. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const endWatching = watchProcess(registry);

  const requests = createCounter(registry, {
    name: 'parallama_requests_total',
    help: 'Requests answered.',
    labelNames: ['gateway', 'route', 'status'],
  });
  const requestSeconds = createHistogram(
    registry,
    {
      name: 'parallama_request_duration_seconds',
      help: 'Seconds from a request to the end of its answer.',
      labelNames: ['gateway', 'route'],
    },
    ANSWER_SECONDS,
  );
  const firstTokenSeconds = createHistogram(
    registry,
    {
      name: 'parallama_time_to_first_token_seconds',
      help: 'Seconds from a request to the first byte of its answer.',
      labelNames: ['gateway'],
    },
    ANSWER_SECONDS,
  );
  const tokens = createCounter(registry, {
    name: 'parallama_tokens_total',
    help: 'Tokens read (prompt) and written (completion).',
    labelNames: ['gateway', 'model', 'kind'],
  });
  const refusals = createCounter(registry, {
    name: 'parallama_refusals_total',
    help: 'Requests refused by a limit.',
    labelNames: ['gateway', 'reason'],
  });
  const errors = createCounter(registry, {
    name: 'parallama_errors_total',
    help: 'Requests that failed, by kind of error.',
    labelNames: ['gateway', 'kind'],
  });
  const inFlight = new Gauge({
    name: 'parallama_requests_in_flight',
    help: 'Requests being answered.',
    labelNames: ['gateway'],
    registers,
  });
  const upstreamSeconds = createHistogram(
    registry,
    {
      name: 'parallama_upstream_duration_seconds',
      help: 'Seconds from a request to the upstream to the end of its answer.',
    },
    ANSWER_SECONDS,
  );
  const upstreamUp = new Gauge({
    name: 'parallama_upstream_up',
    help: 'Whether the upstream answers: 1 or 0.',
    registers,
    aggregator: 'min',
  });
  const heals = createCounter(registry, {
    name: 'parallama_upstream_heals_total',
    help: 'Models that answered nothing and were to be unloaded, by how it ended.',
    labelNames: ['model', 'outcome'],
  });
  const locked = new Gauge({
    name: 'parallama_upstream_locked_models',
    help: 'Models that answer nothing and are being unloaded, or could not be.',
    registers,
    aggregator: 'max',
  });
  const enabled = new Gauge({
    name: 'parallama_gateway_enabled',
    help: 'Whether the gateway is switched on: 1 or 0.',
    labelNames: ['gateway'],
    registers,
    aggregator: 'max',
  });
  const storeSeconds = createHistogram(
    registry,
    {
      name: 'parallama_store_duration_seconds',
      help: 'Seconds that operations of the store take.',
      labelNames: ['operation'],
    },
    STORE_SECONDS,
  );
  const storeErrors = createCounter(registry, {
    name: 'parallama_store_errors_total',
    help: 'Operations that the store failed to answer.',
  });
  const estimateErrors = createHistogram(
    registry,
    {
      name: 'parallama_estimate_error_tokens',
      help: 'Prompt tokens as estimated, minus those counted by the upstream.',
    },
    ERROR_TOKENS,
  );

  const overruns = createCounter(registry, {
    name: 'parallama_overruns_total',
    help: 'Requests whose prompt had more tokens than were held for it.',
  });
  const overrunTokens = createCounter(registry, {
    name: 'parallama_overrun_tokens_total',
    help: 'Prompt tokens that were charged beyond those held.',
  });

  // Neither up nor down before the first look.
  upstreamUp.remove();

  const running: Record<MetricsGateway, number> = { '': 0, ollama: 0, openai: 0 };
  let refresh = async () => {};
  let gather: (() => Promise<MetricsSnapshot[]>) | undefined;

  async function bringUpToDate(): Promise<void> {
    await refresh();
    for (const [gateway, count] of Object.entries(running)) inFlight.set({ gateway }, count);
  }

  async function snapshot(): Promise<MetricsSnapshot> {
    await bringUpToDate();
    return registry.getMetricsAsJSON();
  }

  return {
    started(gateway) {
      running[gateway] += 1;
    },
    requestDone(gateway, route, status, seconds) {
      running[gateway] -= 1;
      requests.add(1, gateway, route, status);
      requestSeconds.observe(seconds, gateway, route);
    },
    firstToken: (gateway, seconds) => firstTokenSeconds.observe(seconds, gateway),
    tokens(gateway, model, prompt, completion) {
      tokens.add(prompt, gateway, model, 'prompt');
      tokens.add(completion, gateway, model, 'completion');
    },
    refused: (gateway, reason) => refusals.add(1, gateway, reason),
    failed: (gateway, kind) => errors.add(1, gateway, kind),
    upstreamDone: upstreamSeconds.observe,
    upstreamUp: (up) => upstreamUp.set(up ? 1 : 0),
    healed: (model, outcome) => heals.add(1, model, outcome),
    lockedModels: (count) => locked.set(count),
    gatewayEnabled: (gateway, on) => enabled.set({ gateway }, on ? 1 : 0),
    storeDone: (operation, seconds) => storeSeconds.observe(seconds, operation),
    storeFailed: () => storeErrors.add(1),
    estimated: (estimate, observed) => estimateErrors.observe(estimate - observed),
    overran(tokens) {
      overruns.add(1);
      overrunTokens.add(tokens);
    },
    beforeRead(before) {
      refresh = before;
    },
    snapshot,
    gatherFrom(all) {
      gather = all;
    },
    async render() {
      if (gather) return AggregatorRegistry.aggregate(await gather()).metrics();
      await bringUpToDate();
      return registry.metrics();
    },
    contentType: registry.contentType,
    close() {
      endWatching();
      registry.clear();
    },
  };
}
