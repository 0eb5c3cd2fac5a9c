/** Limits that are lowered while an answer is under way. */
import type { GatewayError } from '../errors.js';
import type { Quotas } from '../store/port.js';
import { claimsFor, meaningsAt } from './claims.js';
import type { Running } from './lease.js';
import { limitError } from './rate-headers.js';
import { LIMIT_OPTIONS, type Limits } from './types.js';

/**
 * The refusal for a request that was admitted under other limits, once what is used, and what this process's requests of
 * the same user have used so far, is what the limits in force allow.
 */
export async function overCut(
  store: Pick<Quotas, 'counters'>,
  { ask, at }: Running,
  all: Running[],
  limits: Limits,
): Promise<GatewayError | undefined> {
  if (LIMIT_OPTIONS.every((option) => limits[option] === ask.limits[option])) return undefined;
  const meanings = meaningsAt(at, limits);
  const names = claimsFor(ask.gateway, meanings).map(({ key }) => key);
  const counters = await store.counters(ask.identity.id, names);
  const own = all.filter((one) => one.ask.identity.id === ask.identity.id && one.ask.gateway === ask.gateway);
  let requests = 0;
  let tokens = 0;
  for (const one of own) {
    const known = one.known();
    requests += Math.max(1, known.requests);
    tokens += known.promptTokens + known.completionTokens;
  }
  const over = meanings.findIndex(({ counts, max }, index) => {
    if (max === null) return false;
    const { used } = counters[index]!;
    return counts === 'tokens' ? used + tokens >= max : used + requests > max;
  });
  if (over === -1) return undefined;
  return limitError(
    { gateway: ask.gateway, model: ask.model, meanings, at: over, counters, requested: 1 },
    Date.now(),
  );
}
