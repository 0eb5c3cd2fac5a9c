/** Tells log and metrics what a settled request has used. */
import type { GatewayName } from '../contract.js';
import type { Services } from '../services.js';
import type { Charge } from '../store/port.js';
import type { Outcome } from '../usage/meter.js';
import type { Call } from './call.js';

interface Used {
  gateway: GatewayName;
  model: string;
  upstreamModel: string;
  outcome: Outcome;
  charge: Charge;
}

export function recordUsage({ logs, metrics }: Services, call: Call, used: Used): void {
  const { gateway, model, upstreamModel, outcome, charge } = used;
  if (charge.requests > 0) {
    // The upstream has answered for it, so that a name a client made up never becomes a label.
    if (outcome !== 'aborted') metrics.tokens(gateway, upstreamModel, charge.promptTokens, charge.completionTokens);
    else metrics.aborted(gateway, charge.promptTokens, charge.completionTokens);
  }
  logs.usage.info({
    request_id: call.id,
    user: call.identity.id,
    gateway,
    model,
    prompt_tokens: charge.promptTokens,
    completion_tokens: charge.completionTokens,
    requests: charge.requests,
    state: outcome,
    ms: charge.latencyMs,
  });
}
