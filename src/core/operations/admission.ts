/** Reserves for one exchange, and asks the host app whether it may go on. */
import { runHook } from '../hooks.js';
import { type Lease, NOTHING_USED } from '../limits/leases.js';
import type { ResolvedModel } from '../models.js';
import type { Services } from '../services.js';
import type { Exchange, NativeCall } from '../translate/types.js';
import type { Call } from './call.js';

export interface Admitted {
  lease: Lease;
  /** As the host app has left it. */
  exchange: Exchange;
  /** Tokens of each call's prompt, as they were held. */
  estimates: number[];
}

/** @throws GatewayError 429 where a limit refuses; what the host app rejects with, after the hold was given back */
export async function admit(
  { leases, limits, estimator, models, beforeForward }: Services,
  { identity, route, request }: Call,
  exchange: Exchange,
  resolved: ResolvedModel,
): Promise<Admitted> {
  const gateway = route!.gateway!;
  const { load, endpoint, maxTokens, model } = exchange;
  const estimate = (calls: NativeCall[]) =>
    calls.map((one) => (load ? 0 : estimator.estimate(resolved.canonical, [one])));
  const reserve = (prompt: number) =>
    leases.admit({
      identity,
      limits: limits.of(identity, gateway),
      gateway,
      model,
      countedAs: models.counted(resolved),
      prompt,
      maxTokens: maxTokens === undefined ? undefined : maxTokens * exchange.calls.length,
      generates: !load && (endpoint === '/api/chat' || endpoint === '/api/generate'),
    });

  const estimates = estimate(exchange.calls);
  const lease = await reserve(sum(estimates));
  if (!beforeForward) return { lease, exchange, estimates };

  const asking = { identity, gateway, exchange, signal: request.signal };
  const calls = await runHook(beforeForward, asking).catch(async (error: unknown) => {
    await lease.settle(NOTHING_USED);
    throw error;
  });
  const shown = { ...exchange, calls };
  const changed = estimate(calls);
  if (sum(changed) <= lease.prompt) return { lease, exchange: shown, estimates: changed };
  // The limits hold for what is sent, not for what the client wrote.
  await lease.settle(NOTHING_USED);
  return { lease: await reserve(sum(changed)), exchange: shown, estimates: changed };
}

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);
