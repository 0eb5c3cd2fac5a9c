/** The last step of every request: its metrics and its line in the access log, when the answer has gone out. */
import { Readable } from 'node:stream';
import type { GatewayResponse } from './contract.js';
import type { GatewayError } from './errors.js';
import type { Events } from './events.js';
import type { Call } from './operations/call.js';
import type { Services } from './services.js';

export function finish(services: Services, call: Call, answer: GatewayResponse): GatewayResponse {
  if (answer.body instanceof Readable) answer.body.once('close', () => note(services, call, answer.status));
  else note(services, call, answer.status);
  return answer;
}

function note({ metrics, traffic, logs, events }: Services, call: Call, status: number): void {
  const { route, failure, request } = call;
  const gateway = route?.gateway ?? '';
  const operation = route?.operation ?? 'unknown';
  const milliseconds = performance.now() - call.startedAt;
  metrics.requestDone(gateway, operation, status, milliseconds / 1_000);
  if (route?.gateway) traffic.note(route.gateway, milliseconds);
  if (failure) {
    if (status === 429) metrics.refused(gateway, failure.kind);
    else metrics.failed(gateway, failure.kind);
    tell(events, call, failure);
  }
  const line = {
    request_id: call.id,
    method: request.method,
    path: call.path,
    route: operation,
    status,
    ms: Math.round(milliseconds * 10) / 10,
    user: call.identity.id || undefined,
    error: failure?.kind,
  };
  logs.api.info(line);
  if (status >= 500) logs.gateway.error({ ...line, reason: reasonOf(failure) }, failure?.message);
}

function tell(events: Events, { id, identity, route }: Call, failure: GatewayError): void {
  const { kind, status, headers } = failure;
  const about = { requestId: id, identity: identity.id || undefined, gateway: route?.gateway, kind };
  if (status === 429) events.emit('refused', { ...about, retryAfter: Number(headers['retry-after']) });
  else events.emit('error', { ...about, status, error: failure });
}

/** What lies behind an answer that does not say it: for the operator's log only. */
function reasonOf(failure: Error | undefined): string | undefined {
  const cause = failure?.cause;
  return cause instanceof Error ? cause.message : undefined;
}
