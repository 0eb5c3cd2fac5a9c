/** The last step of every request: its metrics and its line in the access log, when the answer has gone out. */
import { Readable } from 'node:stream';
import { readCredential } from './auth/credential.js';
import type { GatewayResponse } from './contract.js';
import { type GatewayError, KINDS } from './errors.js';
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
    // A path that the table has in full is one of ours, and nothing else.
    path: route && call.param === undefined ? call.path : withoutKeys(call.path),
    route: operation,
    status,
    ms: Math.round(milliseconds * 10) / 10,
    user: call.identity.id || undefined,
    error: failure?.kind,
  };
  logs.api.info(line);
  // Not the failure's own words: an upstream may repeat the prompt in them.
  const words = failure && KINDS[failure.kind].message;
  if (status >= 500) logs.gateway.error({ ...line, reason: reasonOf(failure) }, words);
}

function tell(events: Events, { id, identity, route }: Call, failure: GatewayError): void {
  const { kind, status, headers } = failure;
  const about = { requestId: id, identity: identity.id || undefined, gateway: route?.gateway, kind };
  if (status === 429) events.emit('refused', { ...about, retryAfter: Number(headers['retry-after']) });
  else events.emit('error', { ...about, status, error: failure });
}

/** A key or refresh token that was put where its id belongs is still good: it does not go into a log. */
function withoutKeys(path: string): string {
  return path
    .split('/')
    .map((part) => (readCredential(part) ? '(key)' : part))
    .join('/');
}

/** What lies behind an answer that does not say it: for the operator's log only. */
function reasonOf(failure: Error | undefined): string | undefined {
  const cause = failure?.cause;
  // JSON.parse quotes what it stumbles on.
  if (cause instanceof SyntaxError) return cause.name;
  return cause instanceof Error ? cause.message : undefined;
}
