/**
 * The steps of quotas. Counters are the last of KEYS; for each of them ARGV ends with what it counts, its limit (empty:
 * none) and its expiry. Figures are `requests prompt completion errors aborted latency`.
 */
import { COUNTERS } from './counter-script.js';
import { script } from './script.js';

/**
 * KEYS: hold, leases, counters. ARGV: id, least, most, share, lease, body, claims.
 * 1, granted, left; or 0, index of the refusing claim; then used and held of every counter.
 */
export const RESERVE = script(
  `${COUNTERS}
local id, least, most, share, lease, body = unpack(ARGV, 3, 8)
least = tonumber(least)
local all = counters(3, 9)

local function answer(...)
  local reply = {...}
  for _, counter in ipairs(all) do
    reply[#reply + 1] = counter.used
    reply[#reply + 1] = counter.held
  end
  return reply
end

if state_of(KEYS[1]).state then return answer(0, -1) end
for at, counter in ipairs(all) do
  local need = counter.tokens and least or 1
  if counter.max and counter.max - counter.used - counter.held < need then return answer(0, at - 1) end
end
local left = left_of(all)
local granted = grant(left, least, tonumber(most), tonumber(share))
for _, counter in ipairs(all) do
  counter.held = counter.held + (counter.tokens and granted or 1)
  save(counter)
end
local till = integer(now + lease)
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'active', 'until', till, 'tokens', integer(granted), 'known', '', 'body', body)
redis.call('ZADD', KEYS[2], till, id)
return answer(1, granted, left or false)`,
  { late: 'refuse' },
);

/** KEYS: hold, leases, counters. ARGV: id, least, most, share, lease, known, claims. Granted and left, or a word. */
export const EXTEND = script(
  `${COUNTERS}
local id, least, most, share, lease, known = unpack(ARGV, 3, 8)
local hold = state_of(KEYS[1])
if hold.state ~= 'active' or hold.till <= now then return 'gone' end
local all = counters(3, 9)
local left = left_of(all)
local granted = grant(left, tonumber(least), tonumber(most), tonumber(share))
for _, counter in ipairs(all) do
  if granted and counter.tokens then
    counter.held = counter.held + granted
    save(counter)
  end
end
local till = integer(now + lease)
redis.call('HSET', KEYS[1], 'until', till, 'tokens', integer(hold.tokens + (granted or 0)), 'known', known)
redis.call('ZADD', KEYS[2], till, id)
if not granted then return 'full' end
return { granted, left or false }`,
  { late: 'refuse' },
);

/** KEYS: hold, leases. ARGV: id, lease, known. 1, or 0 where the hold is gone. */
export const RENEW = script(
  `${COUNTERS}
local id, lease, known = unpack(ARGV, 3, 5)
local hold = state_of(KEYS[1])
if hold.state ~= 'active' or hold.till <= now then return 0 end
local till = integer(now + lease)
redis.call('HSET', KEYS[1], 'until', till, 'known', known)
redis.call('ZADD', KEYS[2], till, id)
return 1`,
  { late: 'refuse' },
);

/**
 * Ends a hold: settled, or expired, where the charge is what was known of it.
 * KEYS: hold, leases, usage of the day, subjects of the day, days, counters.
 * ARGV: id, state, charge, lifetime of the mark, subject, day, field of the usage (empty: no history), claims.
 * 1, or 0 where there was nothing to end.
 */
export const END = script(
  `${COUNTERS}
local id, state, charge, lifetime, subject, day, field = unpack(ARGV, 3, 9)

local function numbers(text)
  local all = {}
  for number in string.gmatch(text or '', '%S+') do all[#all + 1] = tonumber(number) end
  for at = #all + 1, 6 do all[at] = 0 end
  return all
end

local function add(to, more, sign)
  local text, something = {}, false
  for at = 1, 6 do
    to[at] = to[at] + sign * more[at]
    text[at] = integer(to[at])
    something = something or to[at] ~= 0
  end
  return table.concat(text, ' '), something
end

local hold = state_of(KEYS[1])
if hold.state ~= 'active' then redis.call('ZREM', KEYS[2], id) end
if state == 'expired' then
  if hold.state ~= 'active' or hold.till > now then return 0 end
  charge = hold.known
end
if hold.state == 'settled' then return 0 end
local sum = numbers(charge)
local known = numbers(hold.state == 'expired' and hold.known or '')
local _, something = add(sum, known, -1)

local held = hold.state == 'active' and hold.tokens
if held or something then
  for _, counter in ipairs(counters(6, 10)) do
    local used = counter.tokens and sum[2] + sum[3] or sum[1]
    counter.used = math.max(0, counter.used + used)
    if held then counter.held = math.max(0, counter.held - (counter.tokens and held or 1)) end
    save(counter)
  end
end
if field ~= '' and something then
  local before = redis.call('HGET', KEYS[3], field)
  redis.call('HSET', KEYS[3], field, (add(numbers(before), sum, 1)))
  if not before then
    redis.call('SADD', KEYS[4], subject)
    redis.call('ZADD', KEYS[5], 0, day)
  end
end
redis.call('ZREM', KEYS[2], id)
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', state, 'until', integer(now + lifetime))
if state == 'expired' then redis.call('HSET', KEYS[1], 'known', charge) end
redis.call('PEXPIRE', KEYS[1], lifetime)
return 1`,
  { late: 'act' },
);

/** KEYS: counters. ARGV: claims. Used and held of each. */
export const COUNT = script(
  `${COUNTERS}
local reply = {}
for _, counter in ipairs(counters(1, 3)) do
  reply[#reply + 1] = counter.used
  reply[#reply + 1] = counter.held
end
return reply`,
  { late: 'act' },
);

/** KEYS: leases. ARGV: how many at most. Ids of holds whose lease has run out, the oldest first. */
export const OVERDUE = script(
  `return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', integer(now), 'LIMIT', 0, ARGV[3])`,
  { late: 'act' },
);
