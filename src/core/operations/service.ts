/** What the gateway tells about itself, without a key. */
import { sameSecret } from '../auth/credential.js';
import { GATEWAYS, type GatewayName, type GatewayRequest, type GatewayResponse } from '../contract.js';
import { GatewayError } from '../errors.js';
import { isLocal } from '../http/locality.js';
import { shareRendering } from '../observe/shared-rendering.js';
import type { Services } from '../services.js';
import { upstreamVersion } from '../upstream/version.js';
import { VERSION } from '../version.js';
import { JSON_TYPE, json, type Operation } from './call.js';

type Name = 'discovery' | 'status' | 'health' | 'ready' | 'metrics';

const FEATURES: Record<GatewayName, string[]> = {
  ollama: ['text generation', 'chat completion', 'embeddings', 'model management'],
  openai: ['text completion', 'chat completion', 'embeddings'],
};

/** Readiness is asked often and by many: its answer holds for this many milliseconds. */
const READY_FOR = 2_000;

export function serviceOperations(services: Services): Record<Name, Operation> {
  const { config, routes, settings, presence, store, upstream, metrics, readiness } = services;
  const enabled = GATEWAYS.filter((name) => config.api_gateways.enabled.includes(name));
  let checked: { at: number; checks: Promise<Checks> } | undefined;

  function describe(name: GatewayName) {
    const { enabled: active, model_mappings: mappings } = settings.of(name);
    const common = {
      base_path: config.api_gateways[name].base_path,
      status: active ? 'active' : 'disabled',
      features: FEATURES[name],
      endpoints: routes.endpoints(name),
    };
    return name === 'openai' || Object.keys(mappings).length > 0
      ? { ...common, model_mappings: mappings }
      : common;
  }

  async function check(): Promise<Checks> {
    const [storeUp, upstreamUp] = await Promise.all([
      works(() => store.health()),
      works(() => upstreamVersion(upstream)),
    ]);
    metrics.upstreamUp(upstreamUp);
    return { store: storeUp, upstream: upstreamUp };
  }

  function checks(): Promise<Checks> {
    const now = performance.now();
    if (!checked || now - checked.at > READY_FOR) checked = { at: now, checks: check() };
    return checked.checks;
  }

  metrics.beforeRead(async () => {
    await checks();
    metrics.lockedModels(upstream.locked().length);
    for (const name of enabled) metrics.gatewayEnabled(name, settings.of(name).enabled);
  });

  /** Bytes, so that what is on its way to a hundred readers is one text, and not a hundred. */
  const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
  const version = () => settings.version;

  const discovery = shareRendering(
    async () => {
      const gateways = Object.fromEntries(enabled.map((name) => [name, describe(name)]));
      return bytes({ name: 'Parallama API Gateway', version: VERSION, gateways });
    },
    { key: version },
  );

  const status = shareRendering(
    async () => {
      const [{ store: storeUp, upstream: upstreamUp }, traffic] = await Promise.all([
        checks(),
        presence.traffic(),
      ]);
      const working = storeUp && upstreamUp && upstream.locked().length === 0 ? 'operational' : 'degraded';
      const statusOf = (name: GatewayName) => (settings.of(name).enabled ? working : 'disabled');
      const gateways = Object.fromEntries(
        enabled.map((name) => [name, { status: statusOf(name), ...traffic[name] }]),
      );
      return bytes({ timestamp: `${new Date().toISOString().slice(0, 19)}Z`, gateways });
    },
    { key: version },
  );

  const figures = shareRendering(async () => Buffer.from(await metrics.render()));

  function checkReader(request: GatewayRequest): void {
    const { token, public: open } = config.metrics;
    if (token === undefined) {
      if (open || isLocal(request)) return;
      throw new GatewayError('forbidden', {
        message:
          'Metrics are read on the server itself only. For other machines, set metrics.token or metrics.public in its configuration.',
      });
    }
    if (sameSecret(String(request.headers.authorization), `Bearer ${token}`)) return;
    throw new GatewayError('invalid_key', {
      message: 'Reading metrics needs the token that is configured for it.',
    });
  }

  return {
    async discovery() {
      if (!config.api_gateways.discovery.enabled) throw new GatewayError('not_found');
      return answer(JSON_TYPE, await discovery());
    },

    status: async () => answer(JSON_TYPE, await status()),

    health: async () => json(200, { status: 'ok' }),

    async ready() {
      const { store: storeUp, upstream: upstreamUp } = await checks();
      const ready = storeUp && upstreamUp && !readiness.ending;
      const reply = json(ready ? 200 : 503, {
        status: ready ? 'ready' : readiness.ending ? 'ending' : 'unavailable',
        checks: { store: storeUp ? 'ok' : 'unavailable', upstream: upstreamUp ? 'ok' : 'unavailable' },
      });
      if (!ready) reply.headers['retry-after'] = '2';
      return reply;
    },

    async metrics({ request }) {
      if (!config.metrics.enabled) throw new GatewayError('not_found');
      checkReader(request);
      return answer(metrics.contentType, await figures());
    },
  };
}

const answer = (type: string, body: Buffer): GatewayResponse => ({
  status: 200,
  headers: { 'content-type': type },
  body,
});

interface Checks {
  store: boolean;
  upstream: boolean;
}

function works(attempt: () => Promise<unknown>): Promise<boolean> {
  return attempt().then(
    () => true,
    () => false,
  );
}
