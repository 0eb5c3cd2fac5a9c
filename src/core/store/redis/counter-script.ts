/**
 * What the scripts of quotas share: counters, holds, and the arithmetic of ../quota.ts.
 *
 * A counter is the text `used held expiry`; while nothing is held on it, it expires by itself. A hold is a hash: state,
 * until (the end of its lease; when an ended one is forgotten), tokens, known (figures) and body (JSON, for the sweep).
 */

export const COUNTERS = `
local function counters(first_key, first_argument)
  local all = {}
  if #KEYS < first_key then return all end
  for at, text in ipairs(redis.call('MGET', unpack(KEYS, first_key))) do
    local used, held, expires = string.match(text or '', '^(%d+) (%d+) (%d+)$')
    local counter = { used = tonumber(used) or 0, held = tonumber(held) or 0, expires = tonumber(expires) or 0 }
    if counter.held == 0 and counter.expires <= now then counter.used = 0 end
    local counts, max, expiry = unpack(ARGV, first_argument + 3 * (at - 1), first_argument + 3 * at - 1)
    counter.key, counter.tokens, counter.max = KEYS[first_key + at - 1], counts == 'tokens', tonumber(max)
    counter.expires = math.max(counter.expires, tonumber(expiry))
    all[at] = counter
  end
  return all
end

local function save(counter)
  local text = integer(counter.used) .. ' ' .. integer(counter.held) .. ' ' .. integer(counter.expires)
  if counter.held > 0 then
    redis.call('SET', counter.key, text)
  elseif counter.expires > now then
    redis.call('SET', counter.key, text, 'PX', integer(counter.expires - now))
  else
    redis.call('DEL', counter.key)
  end
end

local function left_of(all)
  local left
  for _, counter in ipairs(all) do
    if counter.tokens and counter.max then
      local room = counter.max - counter.used - counter.held
      if not left or room < left then left = room end
    end
  end
  return left
end

local function grant(left, least, most, share)
  if not left then return most end
  if left < least then return nil end
  return least + math.min(most - least, math.floor((left - least) / share))
end

local function state_of(key)
  local state, till, tokens, known = unpack(redis.call('HMGET', key, 'state', 'until', 'tokens', 'known'))
  if not state or (state ~= 'active' and tonumber(till) <= now) then return {} end
  return { state = state, till = tonumber(till), tokens = tonumber(tokens), known = known }
end
`;
