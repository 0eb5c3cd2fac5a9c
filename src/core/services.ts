/** Everything that a gateway's steps work with, made once and handed to all of them. No two gateways share any. */
import { dirname, resolve } from 'node:path';
import { type Admin, createAdmin } from './admin.js';
import { type AccessTokens, createAccessTokens } from './auth/access-tokens.js';
import { createAuthenticator } from './auth/authenticator.js';
import { claimSecret, loadSecrets } from './auth/secret.js';
import { createThrottle, type Throttle } from './auth/throttle.js';
import type { Config } from './config.js';
import type { Authenticate, GatewayRequest, Identity } from './contract.js';
import { GatewayError } from './errors.js';
import { createLeases, type Leases } from './limits/leases.js';
import { createModels, type Models } from './models.js';
import { createLogs, type HostLogger, type Logs, logsFrom } from './observe/logs.js';
import { createMetrics, type Metrics } from './observe/metrics.js';
import { timedStore } from './observe/timed-store.js';
import { createTraffic, type Traffic } from './observe/traffic.js';
import { createRoutes, type Routes } from './routes.js';
import { type LiveSettings, watchSettings } from './settings.js';
import { openStore } from './store/open.js';
import type { Store } from './store/port.js';
import { whenReachable } from './store/when-reachable.js';
import { createUpstream, type Upstream } from './upstream/client.js';
import { createEstimator, type Estimator } from './usage/estimate.js';
import { createJournal } from './usage/journal.js';

export interface Services extends Omit<Admin, 'close'> {
  routes: Routes;
  settings: LiveSettings;
  upstream: Upstream;
  models: Models;
  estimator: Estimator;
  leases: Leases;
  throttle: Throttle;
  accessTokens: AccessTokens;
  logs: Logs;
  metrics: Metrics;
  traffic: Traffic;
  /** @throws GatewayError 401 */
  authenticate(request: GatewayRequest): Promise<Identity>;
  /** For the operator, at start. */
  notices: string[];
  close(): Promise<void>;
}

export interface ServiceOptions {
  config: Config;
  /** The configuration's file. */
  source?: string;
  /** Instead of the configured one. */
  store?: string | Store;
  authenticate?: Authenticate;
  logger?: HostLogger;
}

export async function createServices(options: ServiceOptions): Promise<Services> {
  const { config, source } = options;
  const where = options.store ?? config.store.url;
  const beside = directoryOf(where, source);

  const secrets = await loadSecrets({ file: config.auth.jwt_secret_file, beside });
  const logs = options.logger ? logsFrom(options.logger) : createLogs(config.logging);
  const metrics = createMetrics();
  const store = timedStore(await openStore(where), metrics);
  const admin = createAdmin(config, store, source);
  const accessTokens = createAccessTokens({ secrets, ttl: config.auth.access_token_ttl });
  const { ollama } = config.api_gateways;
  const upstream = createUpstream({
    origin: `${ollama.host}:${ollama.port}`,
    connectTimeout: ollama.connect_timeout,
    firstByteTimeout: ollama.first_byte_timeout,
  });
  const onTrouble = (error: unknown) => logs.error.error({ err: error }, 'trouble in the background');
  const leases = createLeases({
    store,
    journal: createJournal(config.store.journal_directory ?? beside ?? process.cwd()),
    onLostUsage: (hold, charge, error) =>
      logs.error.error({ hold: hold.id, charge, err: error }, 'usage lost'),
    onTrouble,
  });
  const claim = await whenReachable(() => claimSecret(store, secrets), onTrouble);
  const settings = await watchSettings({ store, config, onTrouble });
  const own = createAuthenticator({ store, apiKeys: admin.keys, accessTokens });

  return {
    ...admin,
    routes: createRoutes(config),
    upstream,
    settings,
    models: createModels({ config, roles: admin.roles, settings, upstream }),
    estimator: createEstimator(),
    leases,
    throttle: createThrottle({ store }),
    accessTokens,
    logs,
    metrics,
    traffic: createTraffic(),
    notices: [secrets.notice, secrets.warning, store.notice, ...logs.notices].filter(
      (text) => text !== undefined,
    ),
    authenticate: options.authenticate
      ? (request) => askHost(options.authenticate!, request)
      : (request) => own.authenticate(request.headers),
    async close() {
      claim.stop();
      settings.close();
      await leases.close();
      await upstream.close();
      await admin.close();
      metrics.close();
      await logs.close();
    },
  };
}

async function askHost(authenticate: Authenticate, request: GatewayRequest): Promise<Identity> {
  const identity = await authenticate(request);
  if (!identity) throw new GatewayError('invalid_key', { message: 'You are not signed in.' });
  return identity;
}

/** Where files go that belong to a store: beside the SQLite file, else beside the configuration. */
function directoryOf(store: string | Store, source: string | undefined): string | undefined {
  if (typeof store === 'string' && store.startsWith('sqlite:'))
    return dirname(resolve(store.slice('sqlite:'.length)));
  return source === undefined ? undefined : dirname(resolve(source));
}
