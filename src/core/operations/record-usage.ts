/** Tells log, metrics and the host app what a settled request has used. */
import type { GatewayName } from '../contract.js';
import type { ResolvedModel } from '../models.js';
import type { Services } from '../services.js';
import type { Settled } from '../usage/account.js';
import type { Call } from './call.js';

interface Used extends Settled {
  gateway: GatewayName;
  model: ResolvedModel;
}

export function recordUsage({ models, logs, metrics, events }: Services, call: Call, used: Used): void {
  const { gateway, outcome, charge, answered, overrun } = used;
  const model = models.counted(used.model);
  // Only what the upstream has answered for: a name that a client made up never becomes a label.
  if (answered) metrics.tokens(gateway, used.model.canonical, charge.promptTokens, charge.completionTokens);
  metrics.upstreamDone(charge.latencyMs / 1_000);
  if (overrun > 0) metrics.overran(overrun);
  logs.usage.info({
    request_id: call.id,
    user: call.identity.id,
    gateway,
    model,
    prompt_tokens: charge.promptTokens,
    completion_tokens: charge.completionTokens,
    requests: charge.requests,
    ...(overrun > 0 ? { overrun } : {}),
    state: outcome,
    ms: charge.latencyMs,
  });
  events.emit('usage', {
    requestId: call.id,
    identity: call.identity.id,
    gateway,
    model,
    promptTokens: charge.promptTokens,
    completionTokens: charge.completionTokens,
    state: outcome,
    ms: charge.latencyMs,
  });
}
