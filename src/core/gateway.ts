/**
 * The gateway: what happens to a request, from top to bottom.
 *
 * match -> authenticate -> authorise -> operate -> finish. What an operation does is in `operations/`; everything
 * that a model works for goes through `operations/inference.ts` and `generation.ts`.
 */
import type { Admin } from './admin.js';
import { checkOptions } from './config/options.js';
import { type Config, type ConfigInput, checkConfig, loadConfig } from './config.js';
import type { Authenticate, Dialect, GatewayRequest, GatewayResponse, Identity } from './contract.js';
import { errorResponse, GatewayError } from './errors.js';
import type { Events } from './events.js';
import { asGatewayError } from './failure.js';
import { finish } from './finish.js';
import type { BeforeForward } from './hooks.js';
import { createCors } from './http/cors.js';
import { createHosts } from './http/hosts.js';
import { checkOrigin } from './http/origins.js';
import { requestId } from './http/request-id.js';
import type { HostLogger, Log } from './observe/logs.js';
import { accountOperations } from './operations/accounts.js';
import { type Call, NOBODY, type Operation } from './operations/call.js';
import { inferenceOperations } from './operations/inference.js';
import { manageOperations } from './operations/manage.js';
import { modelOperations } from './operations/models.js';
import { nativeOperations } from './operations/native.js';
import { serviceOperations } from './operations/service.js';
import { usageOperations } from './operations/usage.js';
import type { Match, OperationName, Route } from './routes.js';
import { createServices, type Services } from './services.js';
import type { KeyvInstance } from './store/keyv/documents.js';
import type { Store } from './store/port.js';

export interface GatewayOptions {
  /** Path of a configuration file, or an object of the file's shape; looked for in the usual places where absent. */
  config?: string | ConfigInput;
  /** As in the configuration (`sqlite:PATH`, `redis://…`), a Keyv or a Store; the configuration's where absent. */
  store?: string | Store | KeyvInstance;
  /** The host app's own sign-in. */
  authenticate?: Authenticate;
  /**
   * Accounts of our own: `/auth/*` is answered, and our API keys and tokens are taken. False where absent and there is
   * an `authenticate`; true beside one lets both in, the app's users first.
   */
  accounts?: boolean;
  /** Sees, changes or rejects each native request before it is sent. */
  beforeForward?: BeforeForward;
  /** A pino logger of the host app, instead of log files. */
  logger?: HostLogger;
}

export interface Gateway extends Pick<Admin, 'users' | 'keys' | 'sessions' | 'limits' | 'usage' | 'roles'> {
  /**
   * Answers a request, errors included, in the caller's dialect. null: not one of our routes.
   * Rejects for bugs only.
   */
  handle(request: GatewayRequest): Promise<GatewayResponse | null>;
  /** The paths that `handle` answers, for hosts that want their routes declared: `/auth/login`, `/openai/v1/*`. */
  patterns(options: { operations: boolean }): string[];
  /**
   * Listens to what happens: `usage` when a request was settled, `refused` for a 429, `error` for every other request
   * that failed. A listener that throws breaks nothing: that is in error.log.
   * @returns takes the listener back
   *
   * @example
   * const off = gateway.on('usage', ({ identity, promptTokens, completionTokens }) =>
   *   bill(identity, promptTokens + completionTokens),
   * );
   */
  on: Events['on'];
  config: Config;
  logs: Pick<Services['logs'], 'reopen' | 'error' | 'gateway'>;
  /** For who runs several processes as one. */
  metrics: Pick<Services['metrics'], 'snapshot' | 'gatherFrom'>;
  /** Things the operator should know, told once at start. */
  notices: string[];
  /** From now on `/readyz` answers 503, as this process is about to end. All else is answered as before. */
  drain(): void;
  /** Waits for settlements under way and lets go of everything. */
  close(): Promise<void>;
}

/**
 * @throws ConfigError for a configuration or option that is wrong; Error where the store or the signing secret cannot
 * be used
 *
 * @example
 * const gateway = await createGateway({ store: 'sqlite:./parallama.db' });
 * const answer = await gateway.handle({ method: 'GET', url: '/openai/v1/models', headers: {} });
 */
export async function createGateway(options: GatewayOptions = {}): Promise<Gateway> {
  checkOptions(options);
  const { config, source } =
    typeof options.config === 'object'
      ? { config: checkConfig(options.config), source: undefined }
      : await loadConfig({ file: options.config });
  const services = await createServices({
    ...options,
    accounts: options.accounts ?? !options.authenticate,
    config,
    source,
  });
  const operations = createOperations(services);
  const cors = createCors(config.server.cors);
  const checkHost = createHosts(config.server);

  async function handle(request: GatewayRequest): Promise<GatewayResponse | null> {
    const match = services.routes.match(request.url, request.server !== undefined);
    if (!match || ('route' in match && match.route.service && !request.operations)) return null;
    const preflight = cors.preflight(request);
    if (preflight) return preflight;
    const call = begin(request, match);
    services.metrics.started(call.route?.gateway ?? '');
    const answer = await respond(call, match).catch((error: unknown) => refuse(call, error));
    Object.assign(answer.headers, cors.headers(request), { 'x-request-id': call.id });
    return finish(services, call, answer);
  }

  async function respond(call: Call, match: Match): Promise<GatewayResponse> {
    checkHost(call.request);
    if ('unknown' in match) throw unknownUrl(call);
    const { route } = match;
    if (route.access !== 'public') {
      call.identity = await services.authenticate(call.request);
      authorise(services, route, call.identity);
    }
    if (!route.methods.includes(call.request.method)) throw wrongMethod(call);
    if (route.guarded) checkOrigin(call.request, cors);
    return operations[route.operation](call);
  }

  function refuse(call: Call, error: unknown): GatewayResponse {
    const known = asGatewayError(error);
    call.failure = known;
    if (known.status === 401) noteCredential(services.logs.auth, call, known);
    if (known.kind === 'internal') services.logs.error.error({ request_id: call.id, err: error }, 'bug');
    return errorResponse(known, call.dialect);
  }

  return {
    handle,
    patterns: services.routes.patterns,
    on: services.events.on,
    config,
    users: services.users,
    keys: services.keys,
    sessions: services.sessions,
    limits: services.limits,
    usage: services.usage,
    roles: services.roles,
    logs: services.logs,
    metrics: services.metrics,
    notices: services.notices,
    drain() {
      services.readiness.ending = true;
    },
    close: services.close,
  };
}

function createOperations(services: Services): Record<OperationName, Operation> {
  return {
    ...serviceOperations(services),
    ...accountOperations(services),
    ...usageOperations(services),
    ...modelOperations(services),
    ...nativeOperations(services),
    ...manageOperations(services),
    ...inferenceOperations(services),
  };
}

function begin(request: GatewayRequest, match: Match): Call {
  const dialect: Dialect = 'unknown' in match ? match.unknown : match.route.dialect;
  return {
    id: requestId(request.headers),
    request,
    dialect,
    path: match.path,
    route: 'route' in match ? match.route : undefined,
    param: 'route' in match ? match.id : undefined,
    identity: NOBODY,
    startedAt: performance.now(),
  };
}

/** From the headers alone: a body that will not be used is not read. */
function authorise({ roles, settings }: Services, route: Route, identity: Identity): void {
  const role = roles.get(identity.role);
  if (!role) throw new GatewayError('forbidden', { message: `The role '${identity.role}' does not exist.` });
  if (route.gateway && !role.gateways.includes(route.gateway)) {
    throw new GatewayError('forbidden', {
      message: `The role '${role.name}' does not allow the ${route.gateway} gateway.`,
    });
  }
  if (route.gateway && !settings.of(route.gateway).enabled) {
    throw new GatewayError('gateway_disabled', { message: `The ${route.gateway} gateway is switched off.` });
  }
  if (route.access === 'manage' && !role.manage_models) {
    throw new GatewayError('forbidden', {
      message: `The role '${role.name}' does not allow managing models.`,
    });
  }
}

function unknownUrl({ request, path, dialect }: Call): GatewayError {
  const message = dialect === 'ollama' ? 'path not found' : `Invalid URL (${request.method} ${path})`;
  return new GatewayError('unknown_url', { message });
}

function wrongMethod({ request, route, path, dialect }: Call): GatewayError {
  const allowed = route!.methods.join(', ');
  const message =
    dialect === 'ollama'
      ? `method not allowed, use ${allowed}`
      : `Not allowed to ${request.method} on ${path}. Use ${allowed}.`;
  return new GatewayError('method_not_allowed', { message, headers: { allow: allowed } });
}

/** For who counts them by address, such as fail2ban. A token that has run out is in nobody's wrong hands. */
function noteCredential(log: Log, { id, request }: Call, { kind }: GatewayError): void {
  if (request.headers.authorization === undefined) return;
  const line = { ip: request.ip, request_id: id };
  if (kind === 'invalid_key') log.warn({ event: 'key_refused', ...line }, 'API key refused');
  if (kind === 'invalid_token') log.warn({ event: 'token_refused', ...line }, 'access token refused');
}
