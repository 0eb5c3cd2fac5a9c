/**
 * The limits of the built-in roles on each gateway, where the configuration gives none. The documentation prints them
 * from here.
 */
import { type Limits, UNLIMITED } from './types.js';

/** Enough for a day of chat, and for the first prompts of a coding agent, which have 11,000 tokens and more. */
const BASIC: Limits = {
  token_limit_daily: 500_000,
  token_limit_hourly: 50_000,
  request_limit_daily: 5_000,
  request_limit_hourly: 500,
};

const PREMIUM: Limits = {
  token_limit_daily: 5_000_000,
  token_limit_hourly: 500_000,
  request_limit_daily: 50_000,
  request_limit_hourly: 5_000,
};

/** By role. */
export const BUILT_IN_LIMITS: ReadonlyMap<string, Limits> = new Map([
  ['admin', UNLIMITED],
  ['premium', PREMIUM],
  ['basic', BASIC],
]);
