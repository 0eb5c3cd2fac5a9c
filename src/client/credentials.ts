/** What the client proves itself with: tokens where it has them, else its API key. */
import { ParallamaError } from './errors.js';
import { type Call, readJson, type Send } from './transport.js';

export interface Tokens {
  access_token?: string;
  refresh_token?: string;
}

export interface Credentials {
  readonly accessToken: string | undefined;
  readonly refreshToken: string | undefined;
  /** Takes what a login, a registration (which gives no access token) or a refresh (maybe no refresh token) gave. */
  keep(tokens: Tokens): void;
  /** Sends with the credentials; after a 401 with a refresh token at hand, once more with a new access token. */
  send(call: Call): Promise<Response>;
}

export function createCredentials(
  send: Send,
  initial: { apiKey?: string; accessToken?: string; refreshToken?: string },
): Credentials {
  const { apiKey } = initial;
  let { accessToken, refreshToken } = initial;
  let refreshing: Promise<void> | undefined;

  const keep = (tokens: Tokens) => {
    accessToken = tokens.access_token;
    refreshToken = tokens.refresh_token ?? refreshToken;
  };

  const fetchTokens = async () => {
    try {
      const body = { refresh_token: refreshToken };
      keep(await readJson<Tokens>(await send({ method: 'POST', path: '/auth/token', body })));
    } catch (error) {
      // Refused for good; any other failure leaves the token as good as it was.
      if (isUnauthorized(error)) refreshToken = undefined;
      throw error;
    }
  };

  // A refresh token works once: calls that need a new access token at the same time share one exchange.
  const refresh = () => {
    refreshing ??= fetchTokens().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };

  return {
    get accessToken() {
      return accessToken;
    },
    get refreshToken() {
      return refreshToken;
    },
    keep,
    async send(call) {
      if (accessToken === undefined && refreshToken !== undefined) await refresh();
      const used = accessToken;
      try {
        return await send(call, used ?? apiKey);
      } catch (error) {
        if (!isUnauthorized(error) || refreshToken === undefined) throw error;
        // Another call may have fetched a new token while this one was on its way.
        if (accessToken === used) await refresh();
        return send(call, accessToken);
      }
    },
  };
}

const isUnauthorized = (error: unknown) => error instanceof ParallamaError && error.status === 401;
