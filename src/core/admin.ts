/**
 * What an operator does to the store: users, keys, sessions, limits. The command line works on it without a server,
 * and a gateway offers it to its host app.
 */
import { type ApiKeys, createApiKeys } from './auth/api-keys.js';
import { createPasswords, type Passwords } from './auth/passwords.js';
import { createRoles, type Roles } from './auth/roles.js';
import { createSessions, type Sessions } from './auth/sessions.js';
import { createTokensAdmin, type TokensAdmin } from './auth/tokens-admin.js';
import { createUsers, type Users } from './auth/users.js';
import type { Config } from './config.js';
import { loadConfig } from './config.js';
import { createLimits, type LimitsAdmin } from './limits/admin.js';
import { createSettingsAdmin, type SettingsAdmin } from './settings.js';
import { openConfiguredStore } from './store/configured.js';
import type { Store } from './store/port.js';
import { createUsage, type UsageAdmin } from './usage/admin.js';
import { createReports, type Reports } from './usage/report.js';

export interface Admin {
  config: Config;
  /** The file the configuration came from; undefined where the defaults hold. */
  source?: string;
  store: Store;
  roles: Roles;
  passwords: Passwords;
  users: Users;
  keys: ApiKeys;
  sessions: Sessions;
  /** Takes tokens and keys away. */
  tokens: TokensAdmin;
  limits: LimitsAdmin;
  usage: UsageAdmin;
  reports: Reports;
  /** What is changed while gateways run. */
  gateways: SettingsAdmin;
  close(): Promise<void>;
}

/** The parts of {@link Admin} on a store that is open already. */
export function createAdmin(config: Config, store: Store, source?: string): Admin {
  const roles = createRoles(config);
  const passwords = createPasswords(config.auth.password_hashing);
  const users = createUsers({ store, passwords, roles });
  const keys = createApiKeys({ store, prefix: config.auth.api_key_prefix });
  const { refresh_token_ttl: ttl, refresh_rotation: rotation } = config.auth;
  const sessions = createSessions({ store, ttl, rotation });
  const limits = createLimits({ roles, store, users });
  return {
    config,
    source,
    store,
    roles,
    passwords,
    users,
    keys,
    sessions,
    tokens: createTokensAdmin({ users, sessions, keys }),
    limits,
    usage: createUsage({ config, store, limits, users }),
    reports: createReports({ store, users }),
    gateways: createSettingsAdmin({ store, config }),
    close: () => store.close(),
  };
}

/**
 * Opens the store that the configuration names.
 * @param options.config path of a configuration file; looked for in the usual places where absent
 * @throws ConfigError where the configuration is wrong, StoreUnavailable where the store cannot be opened
 */
export async function openAdmin(options: { config?: string } = {}): Promise<Admin> {
  const { config, source } = await loadConfig({ file: options.config });
  const { store } = await openConfiguredStore(config, source);
  return createAdmin(config, store, source);
}
