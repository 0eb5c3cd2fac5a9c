/**
 * Parallama: accounts, API keys, quotas and metering in front of Ollama.
 *
 * The adapters have subpaths of their own: `parallama/express`, `/koa`, `/fastify`, `/server`.
 */
export { ParallamaClient, ParallamaError } from './client/index.js';
export type { ApiKey, ApiKeys } from './core/auth/api-keys.js';
export type { Role, Roles } from './core/auth/roles.js';
export type { Sessions } from './core/auth/sessions.js';
export type { User } from './core/auth/user.js';
export type { Users } from './core/auth/users.js';
export { type Config, ConfigError, type ConfigInput } from './core/config.js';
export type {
  Authenticate,
  GatewayName,
  GatewayRequest,
  GatewayResponse,
  Identity,
} from './core/contract.js';
export { type ErrorKind, GatewayError } from './core/errors.js';
export type {
  ErrorEvent,
  EventName,
  GatewayEvents,
  Listener,
  RefusedEvent,
  UsageEvent,
} from './core/events.js';
export { createGateway, type Gateway, type GatewayOptions } from './core/gateway.js';
export type { BeforeForward, Forward } from './core/hooks.js';
export type { LimitsAdmin } from './core/limits/admin.js';
export type { Subject } from './core/limits/subject.js';
export type { LimitOverrides, Limits } from './core/limits/types.js';
export { openStore } from './core/store/open.js';
export { type Store, StoreUnavailable, type UsageRow } from './core/store/port.js';
export type { ReportOptions, UsageAdmin } from './core/usage/admin.js';
export type { CurrentUsage } from './core/usage/current.js';
export { VERSION } from './core/version.js';
