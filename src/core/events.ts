/** What a gateway tells its host app while it works. */
import type { GatewayName } from './contract.js';
import type { ErrorKind, GatewayError } from './errors.js';
import type { Outcome } from './usage/meter.js';

/** A request was settled: its usage is in the store, or in the journal where that is away. */
export interface UsageEvent {
  /** As in `x-request-id` and in the logs. */
  requestId: string;
  /** Id of the user. */
  identity: string;
  gateway: GatewayName;
  /** As the client named it. */
  model: string;
  promptTokens: number;
  completionTokens: number;
  /** Ollama's figures, the gateway's own, of a client that left, or of an answer that broke off. */
  state: Outcome;
  /** Milliseconds from the request to Ollama until the settlement. */
  ms: number;
}

/** A limit has refused a request: 429. */
export interface RefusedEvent {
  requestId: string;
  /** Undefined where nobody was signed in: too many failed logins. */
  identity: string | undefined;
  gateway: GatewayName | undefined;
  kind: ErrorKind;
  /** Seconds, as in Retry-After. */
  retryAfter: number;
}

/** A request was answered with another error, or its stream broke off. */
export interface ErrorEvent {
  requestId: string;
  identity: string | undefined;
  gateway: GatewayName | undefined;
  kind: ErrorKind;
  /** Of the error; a stream that broke off had been 200. */
  status: number;
  /** What the client was told; what lies behind it is its `cause`. */
  error: GatewayError;
}

export interface GatewayEvents {
  usage: UsageEvent;
  refused: RefusedEvent;
  error: ErrorEvent;
}

export type EventName = keyof GatewayEvents;

/** May be async; nothing waits for it. What it throws goes to error.log. */
export type Listener<E extends EventName> = (event: GatewayEvents[E]) => unknown;

export interface Events {
  /** @returns takes the listener back */
  on<E extends EventName>(event: E, listener: Listener<E>): () => void;
  emit<E extends EventName>(event: E, payload: GatewayEvents[E]): void;
}

const NAMES: readonly string[] = ['usage', 'refused', 'error'] satisfies EventName[];

/** @param onTrouble told what a listener has thrown */
export function createEvents(onTrouble: (event: EventName, error: unknown) => void): Events {
  const listeners: { [E in EventName]: Set<{ listener: Listener<E> }> } = {
    usage: new Set(),
    refused: new Set(),
    error: new Set(),
  };

  return {
    on(event, listener) {
      if (!NAMES.includes(event)) {
        throw new TypeError(`There is no event '${String(event)}'. Events: ${NAMES.join(', ')}.`);
      }
      if (typeof listener !== 'function')
        throw new TypeError(`The listener of '${event}' is not a function.`);
      // One function may listen twice; each is taken back on its own.
      const entry = { listener };
      listeners[event].add(entry);
      return () => void listeners[event].delete(entry);
    },

    emit(event, payload) {
      for (const { listener } of [...listeners[event]]) {
        void (async () => listener(payload))().catch((error: unknown) => onTrouble(event, error));
      }
    },
  };
}
