/** Tells failures of Redis from mistakes of ours. */
import { StoreUnavailable } from '../port.js';

/** The code of an error reply, also of one that a script has met, as Redis before version 7 words it. */
const CODE = /(?:^|user_script: ?\d+: -?)(?!ERR Error running)([A-Z]{2,}) /;
/** Replies to commands that are wrong: no retry mends them. */
const MISTAKES = ['ERR', 'WRONGTYPE', 'CROSSSLOT'];
/** Replies of a server that is not, or no longer, the one to ask. */
const ELSEWHERE = ['READONLY', 'MOVED', 'CLUSTERDOWN', 'MASTERDOWN'];

/** The code of an error reply; undefined where the error is no reply. */
export function replyCode(error: unknown): string | undefined {
  return error instanceof Error ? CODE.exec(error.message)?.[1] : undefined;
}

/** True where another connection may fare better. */
export function isLost(error: unknown): boolean {
  if (error instanceof StoreUnavailable || error instanceof TypeError) return false;
  const code = replyCode(error);
  return code === undefined || ELSEWHERE.includes(code);
}

/** What a caller is told of a command that failed: StoreUnavailable, or the mistake of ours as it is. */
export function told(error: unknown): unknown {
  if (error instanceof StoreUnavailable || error instanceof TypeError) return error;
  if (MISTAKES.includes(replyCode(error) ?? '')) return error;
  return unavailable('Redis failed', error);
}

/** For every failure to connect: the server's words on a wrong password have no password in them. */
export function unreachable(error: unknown): StoreUnavailable {
  const refused = ['WRONGPASS', 'NOAUTH', 'NOPERM'].includes(replyCode(error) ?? '');
  return unavailable(refused ? 'Redis refuses the login' : 'Redis cannot be reached', error);
}

function unavailable(message: string, cause: unknown): StoreUnavailable {
  return new StoreUnavailable(`${message}: ${wordsOf(cause)}`, { cause });
}

/** Where a name has several addresses, Node gives an error without words for all of them. */
function wordsOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.message !== '') return cause.message;
  return 'code' in cause ? String(cause.code) : cause.name;
}
