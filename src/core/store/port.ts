/**
 * The port behind which every store stands. A driver is a factory that returns an object literal of this shape.
 *
 * Records are rows with a version; nothing is written without saying which version it replaces, and every
 * single-winner operation is atomic in the backend, for any number of processes. Counters carry what is used and
 * what is held; they change only through holds: reserve, extend, settle, and the sweep of expired leases.
 *
 * Every method rejects with {@link StoreUnavailable} when the store cannot be reached or does not answer within its
 * deadline. `undefined` and `false` are answers, never failures.
 */
import type { GatewayName } from '../contract.js';

export class StoreUnavailable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}

/** Milliseconds within which every call answers or rejects. */
export const STORE_DEADLINE = 2_000;

export const TABLES = ['users', 'keys', 'sessions', 'settings', 'processes', 'limits', 'models'] as const;
export type Table = (typeof TABLES)[number];

export interface Row<T> {
  id: string;
  value: T;
  /** 1 when created, one more with every update. */
  version: number;
}

export interface WriteOptions {
  /** Fields that {@link Store.list} can search by equality. An update without `index` keeps the old ones. */
  index?: Record<string, string>;
  /** Milliseconds since 1970, after which the row is absent. An update without it keeps the old one. */
  expiresAt?: number;
}

export interface ListQuery {
  where?: { index: string; equals: string };
  /** Only ids after this one. */
  after?: string;
  limit: number;
}

export interface Records {
  get<T>(table: Table, id: string): Promise<Row<T> | undefined>;
  /** In the order of `ids`. */
  getMany<T>(table: Table, ids: string[]): Promise<(Row<T> | undefined)[]>;
  /** False where a row of that id exists (an expired one does not). */
  create(table: Table, id: string, value: unknown, options?: WriteOptions): Promise<boolean>;
  /** False where the row is gone or has another version: one winner per version. */
  update(table: Table, id: string, version: number, value: unknown, options?: WriteOptions): Promise<boolean>;
  /** Deletes the row and returns it: one winner. */
  take<T>(table: Table, id: string): Promise<Row<T> | undefined>;
  /** False where there was nothing to delete, or not in that version. */
  delete(table: Table, id: string, version?: number): Promise<boolean>;
  /** Rows ordered by id (code units). */
  list<T>(table: Table, query: ListQuery): Promise<Row<T>[]>;
}

/** One counter that a hold counts on. */
export interface Claim {
  /** Names the counter within the subject: `openai:tokens:hour:2026-11-23T04`. */
  key: string;
  counts: 'requests' | 'tokens';
  /** Where requests are counted: how many a hold takes; 1 where absent. */
  requests?: number;
  /** used + held never exceeds it; null is unlimited. */
  max: number | null;
  /** When the counter may be forgotten, in milliseconds since 1970; later than its window's end, the same each time. */
  expiresAt: number;
}

/**
 * A reservation: a number of requests (nearly always one) and of tokens, held on all its counters. It carries all that is needed to
 * settle it, so that a store that has forgotten it (a restored backup, an unsynced second) can still be told.
 */
export interface Hold {
  /** Of those that come with every request, the time comes first. */
  id: string;
  /** Whose counters they are: a user's id, or a name of ours such as `login`. */
  subject: string;
  claims: Claim[];
  /** Where the usage goes in the history; absent where there is none to keep. */
  usage?: {
    gateway: GatewayName;
    model: string;
    /** Start of the UTC hour, `2026-11-23T04`. */
    hour: string;
  };
}

/**
 * How many tokens to hold. With `left` the smallest `max - used - held` of the hold's token counters, the grant is
 * `least + min(most - least, floor((left - least) / share))`, and `most` where no token counter has a limit. It is
 * refused where `left < least`.
 */
export interface Wanted {
  least: number;
  most: number;
  /** 1 takes all it can up to `most`; 20 takes a twentieth of what is left. */
  share: number;
}

export interface Counter {
  used: number;
  held: number;
}

export type Reserved =
  | {
      ok: true;
      /** Tokens held. */
      granted: number;
      /** What was left for this hold before it took its grant; null where unlimited. */
      left: number | null;
      /** After the reservation, in the order of the claims. */
      counters: Counter[];
    }
  /** `at`: index of the first claim that refused. */
  | { ok: false; at: number; counters: Counter[] };

export type Extended =
  /** `granted`: tokens added. */
  | { ok: true; granted: number; left: number | null }
  /** `full`: no tokens left. `gone`: the lease ran out, or the hold was settled. */
  | { ok: false; why: 'full' | 'gone' };

/** What a request came to; of many at once where usage is moved from store to store. */
export interface Charge {
  /** Those that count; 0 gives back what was held. */
  requests: number;
  promptTokens: number;
  completionTokens: number;
  errors: number;
  aborted: number;
  latencyMs: number;
}

export interface Quotas {
  /**
   * Holds requests and `tokens` on all claims, or changes nothing. It is refused where
   * `used + held + requests > max`. A second call with the same hold id changes nothing and answers `at: -1`.
   * @param lease milliseconds, after which the sweep may give the hold back
   * @param sentAt milliseconds since 1970: a driver whose backend may run the command late (a frozen server) must
   * not carry it out more than {@link STORE_DEADLINE} after this
   */
  reserve(hold: Hold, tokens: Wanted, options: { lease: number; sentAt: number }): Promise<Reserved>;
  /** Adds tokens to a hold by the rule of {@link Wanted}; notes what is known and renews the lease. */
  extend(hold: Hold, tokens: Wanted, options: { lease: number; known: Charge }): Promise<Extended>;
  /**
   * Renews leases and notes what each request is known to have used, should its process die.
   * @returns the ids of holds that are gone
   */
  renew(holds: { hold: Hold; known: Charge }[], lease: number): Promise<string[]>;
  /**
   * Ends a hold: what it held is given back, the charge is used, the history is written, in one atomic step.
   * Idempotent by hold id. A hold that the sweep has ended is corrected by the difference between this charge and
   * the one that was known; one that the store does not know is charged in full.
   * @returns false where it was settled before
   */
  settle(hold: Hold, charge: Charge): Promise<boolean>;
  /** Counters that do not exist are zero. */
  counters(subject: string, keys: string[]): Promise<Counter[]>;
  /**
   * Ends holds whose lease has run out, each charged what was known, and forgets expired rows and counters and the
   * marks of ended holds (after a day). Bounded work per call.
   */
  sweep(): Promise<{ expiredHolds: number }>;
}

export interface UsageQuery {
  subject?: string;
  gateway?: GatewayName;
  /** First hour, `2026-11-23T04`, included. */
  from: string;
  /** Last hour, excluded. */
  to: string;
  by: 'hour' | 'day';
}

export interface UsageRow {
  /** `2026-11-23T04`, or `2026-11-23` by day. */
  at: string;
  subject: string;
  gateway: GatewayName;
  model: string;
  requests: number;
  promptTokens: number;
  completionTokens: number;
  errors: number;
  aborted: number;
  /** Sum over the requests. */
  latencyMs: number;
}

export interface History {
  /** Ordered by time, subject, gateway, model; streamed, so that a year of everybody fits into memory. */
  usage(query: UsageQuery): AsyncIterable<UsageRow>;
  /**
   * Forgets what is older than a day (`2026-11-23`), some of it at a time: bounded work per call.
   * @returns whether there is more
   */
  forgetUsage(before: string): Promise<boolean>;
}

/** A row with all that was written of it. */
export interface WholeRow extends Row<unknown> {
  index: Record<string, string>;
  expiresAt?: number;
}

/** For what moves a store's data to another one. */
export interface Dump {
  /** Rows ordered by id, those after `after`. */
  dump(table: Table, page: { after?: string; limit: number }): Promise<WholeRow[]>;
}

export interface Store extends Records, Quotas, History, Dump {
  /** `sqlite`, `memory`, ... */
  readonly kind: string;
  /** Where it is, for people: never with a password. */
  readonly place: string;
  /** What people should know about this store's guarantees; to be said once, at the start. */
  readonly notice?: string;
  /** Rejects where the store cannot read and write. */
  health(): Promise<void>;
  close(): Promise<void>;
}
