/** Users of the host app: who they are is the app's word, what was set for them is in our store. */
import type { Authenticate, GatewayRequest } from '../contract.js';
import { GatewayError } from '../errors.js';
import type { LimitOverrides } from '../limits/types.js';
import { StoreUnavailable } from '../store/port.js';
import { createRecent } from '../store/recent.js';
import { type Authenticated, REMEMBER } from './authenticator.js';

export interface HostUsers {
  /**
   * Undefined where the app does not know the caller.
   * @throws GatewayError as the app throws it, `internal` for everything else that it throws
   */
  authenticate(request: GatewayRequest): Promise<Authenticated | undefined>;
}

/**
 * @param options.overrides what was set for an id; read again after {@link REMEMBER} milliseconds
 * @param options.now milliseconds on a clock that never goes back
 */
export function createHostUsers({
  authenticate,
  overrides,
  now = () => performance.now(),
}: {
  authenticate: Authenticate;
  overrides(id: string): Promise<LimitOverrides | undefined>;
  now?: () => number;
}): HostUsers {
  const recent = createRecent(now);

  /** A database of the app's that cannot be reached is no failure of Ollama. */
  async function ask(request: GatewayRequest): Promise<unknown> {
    try {
      return await authenticate(request);
    } catch (error) {
      if (error instanceof GatewayError || error instanceof StoreUnavailable) throw error;
      throw new GatewayError('internal', { cause: error });
    }
  }

  return {
    async authenticate(request) {
      const identity = await ask(request);
      if (!identity) return undefined;
      const { id, username, role } = identity as Record<string, unknown>;
      const who = { id: text('id', id), username: name(username), role: text('role', role) };
      return { ...who, limits: await recent(who.id, now() - REMEMBER, () => overrides(who.id)) };
    },
  };
}

/** Counters of a user without an id would be everybody's. */
function text(field: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(
    `authenticate gave an identity whose ${field} is ${JSON.stringify(value)}; expected a text, not empty.`,
  );
}

const name = (value: unknown) =>
  value === undefined || value === null ? undefined : text('username', value);
