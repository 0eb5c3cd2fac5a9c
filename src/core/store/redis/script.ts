/** Lua scripts, each of which is one atomic step in Redis. */
import { createHash } from 'node:crypto';

export interface Script {
  source: string;
  sha: string;
  /** True where a script that runs after its caller has given up must do nothing. */
  guarded: boolean;
}

/**
 * The first argument is when to refuse, by the server's clock, the second the time to use instead of it, both empty
 * where there is none. Leases are measured by the server's clock, so that all hosts agree on them.
 */
const PRELUDE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] ~= '' and now > tonumber(ARGV[1]) then
  return redis.error_reply('LATE ' .. string.format('%.0f', now))
end
if ARGV[2] ~= '' then now = tonumber(ARGV[2]) end

local function integer(number) return string.format('%.0f', number) end
`;

/** Index in ARGV of a script's own first argument. */
export const FIRST_ARGUMENT = 3;

export function script(source: string, { late }: { late: 'refuse' | 'act' }): Script {
  const whole = PRELUDE + source;
  return { source: whole, sha: createHash('sha1').update(whole).digest('hex'), guarded: late === 'refuse' };
}

/** The server's time, where `error` is the reply of a script that refused because it ran late. */
export function lateAt(error: unknown): number | undefined {
  const time = error instanceof Error ? /^LATE (\d+)/.exec(error.message)?.[1] : undefined;
  return time === undefined ? undefined : Number(time);
}
