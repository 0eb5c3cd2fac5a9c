/** Everything that a gateway's steps work with, made once and handed to all of them. No two gateways share any. */
import { type Admin, createAdmin } from './admin.js';
import { type AccessTokens, createAccessTokens } from './auth/access-tokens.js';
import { type Authenticated, createAuthenticator } from './auth/authenticator.js';
import { createHostUsers } from './auth/host-users.js';
import { watchRevocation } from './auth/revocation.js';
import { claimSecret, loadSecrets } from './auth/secret.js';
import { createThrottle, type Throttle } from './auth/throttle.js';
import type { Config } from './config.js';
import type { Authenticate, GatewayRequest } from './contract.js';
import { GatewayError } from './errors.js';
import { createEvents, type Events } from './events.js';
import type { BeforeForward } from './hooks.js';
import { createFailures, type Failures } from './limits/failures.js';
import { createLeases, type Leases } from './limits/leases.js';
import { looseFiles } from './loose-files.js';
import { createModels, type Models } from './models.js';
import { createLogs, type HostLogger, type Logs, logsFrom } from './observe/logs.js';
import { createMetrics, type Metrics } from './observe/metrics.js';
import { announceProcess, type Presence } from './observe/processes.js';
import { timedStore } from './observe/timed-store.js';
import { createTraffic, type Traffic } from './observe/traffic.js';
import { directoryBeside } from './places.js';
import { createRoutes, type Routes } from './routes.js';
import { type LiveSettings, watchSettings } from './settings.js';
import { openConfiguredStore } from './store/configured.js';
import type { KeyvInstance } from './store/keyv/documents.js';
import { openStore } from './store/open.js';
import type { Store } from './store/port.js';
import { whenReachable } from './store/when-reachable.js';
import { createUpstream } from './upstream/client.js';
import { createHealing, type Heal, type HealingUpstream } from './upstream/healing.js';
import { createEstimator, type Estimator } from './usage/estimate.js';
import { createJournal } from './usage/journal.js';
import { keepLearned } from './usage/keep-learned.js';
import { startRetention } from './usage/retention.js';
import { VERSION } from './version.js';

export interface Services extends Omit<Admin, 'close'> {
  routes: Routes;
  settings: LiveSettings;
  upstream: HealingUpstream;
  models: Models;
  estimator: Estimator;
  leases: Leases;
  failures: Failures;
  throttle: Throttle;
  accessTokens: AccessTokens;
  logs: Logs;
  metrics: Metrics;
  traffic: Traffic;
  /** This process among the others on the store. */
  presence: Presence;
  /** Whether this process is about to end, and wants no new requests. */
  readiness: { ending: boolean };
  events: Events;
  beforeForward?: BeforeForward;
  /** @throws GatewayError 401 */
  authenticate(request: GatewayRequest): Promise<Authenticated>;
  /** For the operator, at start. */
  notices: string[];
  close(): Promise<void>;
}

export interface ServiceOptions {
  config: Config;
  /** The configuration's file. */
  source?: string;
  /** Instead of the configured one. */
  store?: string | Store | KeyvInstance;
  authenticate?: Authenticate;
  /** Where false, `/auth/*` is not answered and no keys or tokens of ours are taken. */
  accounts: boolean;
  logger?: HostLogger;
  beforeForward?: BeforeForward;
}

const HEALED: Record<Heal['outcome'], string> = {
  unloaded: 'a model answered nothing and was unloaded; what waited for it is sent again',
  held: 'a model answers nothing, and others than this gateway keep it loaded',
  failed: 'a model answers nothing, and could not be unloaded',
};

export async function createServices(options: ServiceOptions): Promise<Services> {
  const { config, source } = options;
  const where = options.store ?? config.store.url;
  const beside = directoryBeside(where, source);

  // Where nothing is signed, no file is made, and processes that share a store need not share a secret.
  const secrets = await loadSecrets(
    options.accounts ? { file: config.auth.jwt_secret_file, beside } : { beside: undefined },
  );
  const logs = options.logger ? logsFrom(options.logger) : createLogs(config.logging);
  const metrics = createMetrics();
  const opened =
    options.store === undefined
      ? await openConfiguredStore(config, source, { thread: true })
      : { store: await openStore(options.store, { thread: true }) };
  const store = timedStore(opened.store, metrics);
  const admin = createAdmin(config, store, source);
  const accessTokens = createAccessTokens({ secrets, ttl: config.auth.access_token_ttl });
  const { ollama } = config.api_gateways;
  const upstream = createHealing({
    upstream: createUpstream({
      origin: `${ollama.host}:${ollama.port}`,
      connectTimeout: ollama.connect_timeout,
      firstByteTimeout: ollama.first_byte_timeout,
    }),
    stallTimeout: ollama.stall_timeout,
    elsewhere: () => presence.modelsElsewhere(),
    onHeal(heal) {
      metrics.healed(heal.model, heal.outcome);
      logs.gateway.warn({ ...heal }, HEALED[heal.outcome]);
    },
  });
  const onTrouble = (error: unknown) => logs.error.error({ err: error }, 'trouble in the background');
  const leases = createLeases({
    store,
    journal: createJournal(config.store.journal_directory ?? beside ?? process.cwd()),
    onLostUsage: (hold, charge, error) =>
      logs.error.error({ hold: hold.id, charge, err: error }, 'usage lost'),
    onTrouble,
  });
  async function letGo(): Promise<void> {
    await leases.close();
    await upstream.close();
    await admin.close();
    metrics.close();
    await logs.close();
  }

  const estimator = createEstimator();
  const learned = keepLearned({ store, estimator, onTrouble });
  const recalled = learned.load().catch(() => {
    // A store that is away is asked again later.
  });
  const claimed = async () => (options.accounts ? claimSecret(store, secrets) : undefined);
  const claim = await whenReachable(claimed, onTrouble).catch(async (error: unknown) => {
    await letGo();
    throw error;
  });
  await recalled;
  const settings = await watchSettings({ store, config, onTrouble });
  const own = createAuthenticator({ store, apiKeys: admin.keys, accessTokens });
  const host =
    options.authenticate &&
    createHostUsers({ authenticate: options.authenticate, overrides: admin.limits.overrides });
  const traffic = createTraffic();
  const presence = announceProcess({
    store,
    traffic,
    models: upstream.activity,
    version: VERSION,
    onTrouble,
  });
  const stopWatching = watchRevocation({
    store,
    roles: admin.roles,
    policy: admin.limits,
    running: leases.running,
    onTrouble,
  });
  const retention = startRetention({ store, days: config.usage.retention_days, onTrouble });

  return {
    ...admin,
    routes: createRoutes(config, options),
    upstream,
    settings,
    models: createModels({ config, roles: admin.roles, settings, upstream, store }),
    estimator,
    leases,
    failures: createFailures({ store }),
    throttle: createThrottle({ store }),
    accessTokens,
    logs,
    metrics,
    traffic,
    presence,
    readiness: { ending: false },
    events: createEvents((event, error) =>
      logs.error.error({ err: error }, `a listener of the event '${event}' has failed`),
    ),
    beforeForward: options.beforeForward,
    notices: [
      ...(options.accounts ? [secrets.notice, secrets.warning] : []),
      opened.warning,
      ...(await looseFiles(store, config, source)),
      store.notice,
      ...logs.notices,
    ].filter((text) => text !== undefined),
    async authenticate(request) {
      const identity = await host?.authenticate(request);
      if (identity) return identity;
      if (options.accounts) return own.authenticate(request.headers);
      throw new GatewayError('invalid_key', { message: 'You are not signed in.' });
    },
    async close() {
      claim.stop();
      settings.close();
      await stopWatching();
      await retention.close();
      await presence.close();
      await learned.close();
      await letGo();
    },
  };
}
