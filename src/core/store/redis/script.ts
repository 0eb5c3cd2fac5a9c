/** Lua scripts, each of which is one atomic step in Redis. */
import { createHash } from 'node:crypto';
import { replyCode } from './failure.js';
import type { Link } from './link.js';

export interface Script {
  source: string;
  sha: string;
  /** True where a script that runs after its caller has given up must do nothing. */
  guarded: boolean;
}

/** How often something is tried that came too late by the server's clock: the first time may be there to learn it. */
export const RUNS = 3;

/**
 * The first argument is when to refuse, by the server's clock, the second the time to use instead of it, both empty
 * where there is none. Leases are measured by the server's clock, so that all hosts agree on them.
 */
const PRELUDE = `
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] ~= '' and clock > tonumber(ARGV[1]) then
  return redis.error_reply('LATE ' .. string.format('%d', clock))
end
local now = tonumber(ARGV[2]) or clock

local function integer(number) return string.format('%d', number) end
`;

export function script(source: string, { late }: { late: 'refuse' | 'act' }): Script {
  const whole = PRELUDE + source;
  return { source: whole, sha: createHash('sha1').update(whole).digest('hex'), guarded: late === 'refuse' };
}

/** Runs a script on keys of one hash tag; a server that does not know it is sent it. */
export async function evaluate(
  link: Link,
  { sha, source }: Script,
  keys: string[],
  args: string[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await link.send(keys[0]!, ['EVALSHA', sha, ...rest]);
  } catch (error) {
    if (replyCode(error) !== 'NOSCRIPT') throw error;
    return link.send(keys[0]!, ['EVAL', source, ...rest]);
  }
}

/** The server's time, where `error` is the reply to something that was refused because it came late. */
export function lateAt(error: unknown): number | undefined {
  const time = error instanceof Error ? /^LATE (\d+)/.exec(error.message)?.[1] : undefined;
  return time === undefined ? undefined : Number(time);
}

/** Whose clock a script on `key` runs by: the server's, or in a cluster that of the node where the key lives. */
export function placeOf({ clustered }: Link, key: string): string {
  return clustered ? (/\{(.+?)\}/.exec(key)?.[1] ?? key) : '';
}
