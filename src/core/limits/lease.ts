/** What a lease is: the hold of one admitted request, and the request that runs under it. */
import type { GatewayName, Identity, ResponseHeaders } from '../contract.js';
import type { GatewayError } from '../errors.js';
import type { Charge } from '../store/port.js';
import type { Limits } from './types.js';

export interface Ask {
  identity: Identity;
  limits: Limits;
  gateway: GatewayName;
  /** As the client named it. */
  model: string;
  /** The name that the history is kept under; `model` where absent. */
  countedAs?: string;
  /** Generations that Ollama does for it, each of which counts as a request; 1 where absent. */
  requests?: number;
  /** Tokens to hold for the prompts. */
  prompt: number;
  /** Tokens that the prompts most likely have; `prompt` where absent. */
  expected?: number;
  /** UTF-8 bytes of the prompts. */
  bytes?: number;
  /** The client's own bound on what is generated; undefined where it set none. */
  maxTokens?: number;
  /** Embeddings and model loads generate nothing. */
  generates: boolean;
}

/** Who works under a lease. */
export interface Tenant {
  /** What the request is known to have used, should this process die. */
  known(): Charge;
  /** The lease is lost, or revoked. */
  onLost(): void;
}

export interface Lease {
  id: string;
  /** Tokens of the prompt that the hold was made for. */
  prompt: number;
  /** Output tokens granted so far; Infinity where the user has no token limit. */
  output: number;
  /** What Ollama may be told to generate at the most (`num_predict`); undefined where nothing bounds it. */
  ceiling: number | undefined;
  /** `x-ratelimit-*`, with this request's hold, or what it came to where it is settled. */
  headers(): ResponseHeaders;
  /** The hold is no longer ours: the process stood still for longer than the lease. */
  lost: boolean;
  /** Why the request has to end although its client waits: key or user may no longer. */
  revoked: GatewayError | undefined;
  /**
   * Who works under it from now on. No properties to be set: V8 takes the functions of a literal for constants, and
   * setting one costs more than all else that a request does here.
   */
  workFor(tenant: Tenant): void;
  /** Adds at least `needed` output tokens to the grant; false where the limit has no more. */
  grow(needed: number): Promise<boolean>;
  /**
   * The first call counts; later ones wait for it and do nothing. Never rejects.
   * @param countedAs the name that the history is kept under, where it is known only now
   */
  settle(charge: Charge, countedAs?: string): Promise<void>;
}

/** A request under way, for who looks whether its user may still go on. */
export interface Running {
  readonly ask: Ask;
  /** When it was admitted, in milliseconds since 1970. */
  readonly at: number;
  /** What it is known to have used. */
  known(): Charge;
  /** Ends it; what it has used is charged. */
  end(reason: GatewayError): void;
}

export const NOTHING_USED: Charge = {
  requests: 0,
  promptTokens: 0,
  completionTokens: 0,
  errors: 0,
  aborted: 0,
  latencyMs: 0,
};
