/** A configuration as it may be shown. */
import type { Config } from './schema.js';

const HIDDEN = '(hidden)';

/** Without invitations, the token for metrics, and a password in the store's address. */
export function withoutSecrets(config: Config): Config {
  const { auth, metrics, store } = config;
  return {
    ...config,
    auth: { ...auth, invitations: auth.invitations.map(() => HIDDEN) },
    metrics: metrics.token === undefined ? metrics : { ...metrics, token: HIDDEN },
    store: { ...store, url: withoutPassword(store.url) },
  };
}

/** The address of a store without user, password and parameters. */
export const withoutPassword = (url: string) => url.replace(/\/\/.*@/, '//').replace(/\?.*/, '');
