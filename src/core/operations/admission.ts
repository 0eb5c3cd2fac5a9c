/** Reserves for one exchange, and asks the host app whether it may go on. */
import { runHook } from '../hooks.js';
import { type Lease, NOTHING_USED } from '../limits/leases.js';
import type { Services } from '../services.js';
import type { Exchange, NativeCall } from '../translate/types.js';
import type { Call } from './call.js';

export interface Admitted {
  lease: Lease;
  /** As the host app has left it. */
  exchange: Exchange;
}

/** @throws GatewayError 429 where a limit refuses; what the host app rejects with, after the hold was given back */
export async function admit(
  { leases, limits, estimator, beforeForward }: Services,
  { identity, route, request }: Call,
  exchange: Exchange,
  upstreamModel: string,
): Promise<Admitted> {
  const gateway = route!.gateway!;
  const { load, endpoint, maxTokens, model } = exchange;
  const estimate = (calls: NativeCall[]) => (load ? 0 : estimator.estimate(upstreamModel, calls));
  const reserve = (prompt: number) =>
    leases.admit({
      identity,
      limits: limits.of(identity, gateway),
      gateway,
      model,
      prompt,
      maxTokens: maxTokens === undefined ? undefined : maxTokens * exchange.calls.length,
      generates: !load && (endpoint === '/api/chat' || endpoint === '/api/generate'),
    });

  const prompt = estimate(exchange.calls);
  const lease = await reserve(prompt);
  if (!beforeForward) return { lease, exchange };

  const asking = { identity, gateway, exchange, signal: request.signal };
  const calls = await runHook(beforeForward, asking).catch(async (error: unknown) => {
    await lease.settle(NOTHING_USED);
    throw error;
  });
  const shown = { ...exchange, calls };
  const longer = estimate(calls);
  if (longer <= prompt) return { lease, exchange: shown };
  // The limits hold for what is sent, not for what the client wrote.
  await lease.settle(NOTHING_USED);
  return { lease: await reserve(longer), exchange: shown };
}
