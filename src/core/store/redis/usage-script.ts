/**
 * The history in Lua: a hash for each subject and day, of `requests prompt completion errors aborted latency` by hour,
 * gateway and model. A run reads and writes each field once.
 */

/** A usage is six arguments: of its key, of the subjects of the day and of the days where they are; subject, day, field. */
export const USAGES = `
local usages = {}

local function figures(text)
  return string.match(text or '', '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
end

local function usage_at(at)
  local usage = usages[at]
  if usage then return usage end
  local key, subjects, days, subject, day, field = unpack(ARGV, at, at + 5)
  key = KEYS[others + key]
  local before = redis.call('HGET', key, field)
  if not before then
    redis.call('SADD', KEYS[others + subjects], subject)
    redis.call('ZADD', KEYS[others + days], '0', day)
  end
  usage = { figures(before or '0 0 0 0 0 0') }
  usage.key, usage.field = key, field
  usages[at] = usage
  return usage
end

local function save_usages()
  for _, usage in pairs(usages) do
    if usage.changed then
      redis.call('HSET', usage.key, usage.field, string.format('%d %d %d %d %d %d', unpack(usage)))
    end
  end
end
`;
