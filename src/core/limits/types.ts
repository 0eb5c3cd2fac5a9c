/**
 * The limits a user can have on a gateway. Option names are those of the configuration file and of the command line.
 */
import type { GatewayName } from '../contract.js';

/** Every limit there is, by UTC calendar day and hour. */
export const LIMIT_OPTIONS = [
  'token_limit_daily',
  'token_limit_hourly',
  'request_limit_daily',
  'request_limit_hourly',
] as const;

export type LimitOption = (typeof LIMIT_OPTIONS)[number];

/** Tokens and requests; `null` is unlimited. */
export type Limits = Record<LimitOption, number | null>;

/** What a user has instead of the role's limits. An option that is absent is the role's. */
export type LimitOverrides = Partial<Record<GatewayName, Partial<Limits>>>;

export const UNLIMITED: Readonly<Limits> = {
  token_limit_daily: null,
  token_limit_hourly: null,
  request_limit_daily: null,
  request_limit_hourly: null,
};
