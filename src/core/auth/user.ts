/**
 * What a user is, and what names, passwords and limits may look like.
 */
import { GATEWAYS } from '../contract.js';
import { GatewayError } from '../errors.js';
import { LIMIT_OPTIONS, type LimitOverrides } from '../limits/types.js';

/** An account, as everybody may see it. */
export interface User {
  /** A UUID. Quotas and history hang on it, so that a name can be given again without its past. */
  id: string;
  /** As it was typed at creation; compared without case. */
  username: string;
  role: string;
  /** ISO 8601, UTC. */
  created_at: string;
  limits: LimitOverrides;
}

/** The row of table `users`; its id is {@link userKey}, which makes uniqueness one atomic create. */
export interface UserRecord extends User {
  password_hash: string;
  /** Access and refresh tokens of another generation are void. */
  generation: number;
}

export const FIRST_GENERATION = 1;

const USERNAME = /^[A-Za-z0-9._-]{3,64}$/;
export const PASSWORD_LENGTH = { least: 8, most: 256 };

/** The row id of a username, or undefined where nobody can have that name. */
export function userKey(username: string): string | undefined {
  // The pattern comes first: lower-casing maps letters such as the Kelvin sign to ASCII ones.
  return USERNAME.test(username) ? username.toLowerCase() : undefined;
}

/** @throws GatewayError `invalid_value` naming `username` */
export function checkUsername(username: string): string {
  const key = userKey(username);
  if (key !== undefined) return key;
  throw new GatewayError('invalid_value', {
    message: 'A username has 3 to 64 characters: letters, digits, ".", "_" and "-".',
    param: 'username',
  });
}

/** @throws GatewayError `invalid_value` naming `password` */
export function checkPassword(password: string): void {
  const length = [...password].length;
  if (length >= PASSWORD_LENGTH.least && length <= PASSWORD_LENGTH.most) return;
  throw new GatewayError('invalid_value', {
    message: `A password has ${PASSWORD_LENGTH.least} to ${PASSWORD_LENGTH.most} characters.`,
    param: 'password',
  });
}

/** @throws GatewayError `invalid_value` naming the option, as `limits.ollama.token_limit_daily` */
export function checkOverrides(overrides: LimitOverrides): void {
  for (const [gateway, limits] of Object.entries(overrides)) {
    if (!GATEWAYS.some((name) => name === gateway)) {
      throw badLimit(`limits.${gateway}`, `Unknown gateway "${gateway}". Gateways: ${GATEWAYS.join(', ')}.`);
    }
    for (const [option, value] of Object.entries(limits)) {
      const param = `limits.${gateway}.${option}`;
      if (!LIMIT_OPTIONS.some((name) => name === option)) {
        throw badLimit(param, `Unknown limit "${option}". Limits: ${LIMIT_OPTIONS.join(', ')}.`);
      }
      if (value != null && !(Number.isSafeInteger(value) && value >= 0)) {
        throw badLimit(param, `"${option}" must be a whole number from 0, or null for unlimited.`);
      }
    }
  }
}

export function badLimit(param: string, message: string): GatewayError {
  return new GatewayError('invalid_value', { message, param });
}

/** Leaves out what only the store and the login may see. */
export function publicUser({ id, username, role, created_at, limits }: UserRecord): User {
  return { id, username, role, created_at, limits };
}
