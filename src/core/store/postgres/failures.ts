/**
 * What an error means. The codes are those of
 * https://www.postgresql.org/docs/current/errcodes-appendix.html.
 */
import { StoreUnavailable } from '../port.js';

/** No waiting and no second try helps: somebody has to install or to choose something else. */
export class Unusable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'Unusable';
  }
}

/** The code with which our functions refuse a command that came too late. */
const LATE = 'LATE0';
/** serialization_failure, deadlock_detected: undone, and to be tried again. */
const UNDONE = ['40001', '40P01'];
/**
 * Connections, roles, passwords, databases that are not there, transactions (a standby is read only), privileges,
 * schemas, tables and functions that somebody has dropped, resources, locks, operators, the system, damaged files,
 * PostgreSQL's own bugs. What is left is a mistake of ours.
 */
const TROUBLE = /^(LATE0|08|0L|0P|28|3D|25|40|42501|3F000|42P01|42883|53|55|57|58|F0|XX)/;

/** data_corrupted, index_corrupted: in the rows of one of them. */
const DAMAGED = /^XX00[12]$/;

/** Everything was undone, and of several that went over together one may have brought it about by itself. */
export function isOfOne(error: unknown): boolean {
  const code = codeOf(error instanceof StoreUnavailable ? error.cause : error);
  return code !== undefined && (!TROUBLE.test(code) || DAMAGED.test(code));
}

/** Nothing was carried out, and a second try can go better. */
export function isWorthRetrying(error: unknown): boolean {
  const code = codeOf(error);
  return code === LATE || (code !== undefined && UNDONE.includes(code));
}

/**
 * The connection may serve again: the server has answered, and the trouble was this command's alone. A new one would
 * measure the server's clock anew, and look for the tables.
 */
export function leavesConnection(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && (UNDONE.includes(code) || !TROUBLE.test(code));
}

/** As the callers of a store want it: StoreUnavailable with its cause, or the error itself where it is a bug. */
export function toStoreError(error: unknown): unknown {
  if (!isBackend(error)) return error;
  return new StoreUnavailable(`PostgreSQL failed: ${wordsOf(error)}`, { cause: error });
}

function isBackend(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof StoreUnavailable || error instanceof Unusable)
    return false;
  const code = codeOf(error);
  if (code !== undefined) return TROUBLE.test(code);
  // Of the system, or of node-postgres: "Connection terminated unexpectedly", "Query read timeout", ...
  return !(error instanceof TypeError || error instanceof RangeError);
}

/** The SQLSTATE of an error that the server has sent; the system's errors have codes, too, but no severity. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined;
  return String(error.code);
}

/** Several addresses that all refuse make an error without words of its own. */
function wordsOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(String).join('; ') : error.message;
}
