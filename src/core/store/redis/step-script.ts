/**
 * The steps of quotas in Lua: one run carries out a list of them, in order. Each has an answer of its own, an error
 * where it has failed. Redis takes nothing back: in every step what may fail comes first, and the ledger last.
 */
import { MARK_LIFETIME_MS } from '../quota.js';
import { GRANTS, LEDGER, TEXTS } from './counter-script.js';
import { HOLDS } from './hold-script.js';
import { script } from './script.js';
import { USAGES } from './usage-script.js';

/** Id, least, most, share, lease, body. 1, granted, left; or 0, index of the refusing claim; then the counters. */
const RESERVE = String.raw`
local function with_counters(answer, claims)
  local size = #answer
  for _, claim in ipairs(claims) do
    answer[size + 1] = claim.counter.used
    answer[size + 2] = claim.counter.held
    size = size + 2
  end
  return answer
end

function steps.reserve(hold, leases, claims, at)
  local id, least, most, share, lease, body = unpack(ARGV, at, at + 5)
  local before = rewritten[KEYS[hold]] or texts[hold]
  if before and parse(before) then return with_counters({ 0, -1 }, claims) end
  least = tonumber(least)
  local refused, left = room_for(claims, true, least)
  if refused then return with_counters({ 0, refused - 1 }, claims) end
  local granted = grant(left, least, most, share)
  local till = integer(now + lease)
  local text = string.format('active %s %d \n', till, granted) .. body
  redis.call('ZADD', leases, till, id)
  if before then
    write_hold(hold, text)
  elseif not write_hold(hold, text, 'NX') then
    -- There is one as earlier versions wrote it.
    return with_counters({ 0, -1 }, claims)
  end
  for _, claim in ipairs(claims) do add(claim, 0, claim.tokens and granted or claim.requests) end
  return with_counters({ 1, granted, left or false }, claims)
end
`;

/** Id, least, most, share, lease, known. Granted and left, or a word. */
const EXTEND = String.raw`
local function prolong(hold, leases, id, lease, known, more)
  local text = text_of(hold)
  local state, till, tokens, _, body = parse(text)
  if state ~= 'active' or till <= now then return false end
  till = integer(now + lease)
  redis.call('ZADD', leases, till, id)
  write_hold(hold, string.format('active %s %d %s\n', till, tokens + more, known) .. string.sub(text, body))
  return true
end

function steps.extend(hold, leases, claims, at)
  local id, least, most, share, lease, known = unpack(ARGV, at, at + 5)
  least = tonumber(least)
  local refused, left = room_for(claims, false, least)
  local granted = refused and 0 or grant(left, least, most, share)
  if not prolong(hold, leases, id, lease, known, granted) then return 'gone' end
  if refused then return 'full' end
  for _, claim in ipairs(claims) do
    if claim.tokens then add(claim, 0, granted) end
  end
  return { granted, left or false }
end
`;

/** Id, lease, known. 1, or 0 where the hold is gone. */
const RENEW = `
function steps.renew(hold, leases, _, at)
  local id, lease, known = unpack(ARGV, at, at + 2)
  return prolong(hold, leases, id, lease, known, 0) and 1 or 0
end
`;

/**
 * Id, state, charge, usage (empty: no history). Ends a hold: settled, or expired, where the charge is what was known of
 * it. 1, or 0 where there was nothing to end.
 */
const END = `
steps['end'] = function(hold, leases, claims, at)
  local id, state, charge, usage = unpack(ARGV, at, at + 3)
  local before, till, tokens, known = parse(text_of(hold))
  local held = before == 'active' and tonumber(tokens)
  if state == 'expired' then
    if held and till > now then return 0 end
    charge = known
  end
  if before == 'settled' or (state == 'expired' and not held) then
    redis.call('ZREM', leases, id)
    return 0
  end
  local sum = { figures(charge) }
  if before == 'expired' then
    for nth, figure in ipairs({ figures(known) }) do sum[nth] = sum[nth] - figure end
  end
  local something = false
  for nth = 1, 6 do
    sum[nth] = tonumber(sum[nth]) or 0
    something = something or sum[nth] ~= 0
  end
  usage = something and usage ~= '' and usage_at(first_usage + 6 * usage)

  local mark = state .. ' ' .. integer(now + ${MARK_LIFETIME_MS}) .. ' 0'
  if state == 'expired' then mark = mark .. ' ' .. charge end
  redis.call('ZREM', leases, id)
  write_hold(hold, mark, 'PX', '${MARK_LIFETIME_MS}')

  if held or something then
    for _, claim in ipairs(claims) do
      add(claim, claim.tokens and sum[2] + sum[3] or sum[1], held and -(claim.tokens and held or claim.requests) or 0)
    end
  end
  if usage then
    for nth = 1, 6 do usage[nth] = usage[nth] + sum[nth] end
    usage.changed = true
  end
  return 1
end
`;

/**
 * KEYS: counters and holds, then others. ARGV: how many counters and holds; how many lists of claims; the lists; how
 * many usages; the usages; the steps.
 *
 * A list of claims is their number, and of each where its counter is, what it counts (`tokens`, or how many requests), its
 * limit (empty: none) and its expiry. A step is its name, when it is late (empty: never), where the hold and the leases are, the number of its list
 * of claims (empty: none), and its own arguments.
 */
export const STEPS = script(
  `${TEXTS}${LEDGER}${GRANTS}${HOLDS}${USAGES}
local at = 4
local lists = {}
for list = 1, tonumber(ARGV[at]) do
  local claims = {}
  for nth = 1, tonumber(ARGV[at + 1]) do
    local counter, counts, max, expires = unpack(ARGV, at + 2, at + 5)
    counter, max, expires = counter_at(tonumber(counter)), tonumber(max), tonumber(expires)
    claims[nth] = {
      counter = counter, tokens = counts == 'tokens', requests = tonumber(counts), max = max, expires = expires,
    }
    at = at + 4
  end
  lists[list] = claims
  at = at + 1
end
local first_usage = at + 2
at = first_usage + 6 * ARGV[at + 1]

local steps = {}
${RESERVE}${EXTEND}${RENEW}${END}
local sizes = { reserve = 11, extend = 11, renew = 8, ['end'] = 9 }

local answers, count, last = {}, 0, #ARGV
while at <= last do
  local name, late, hold, leases, list = unpack(ARGV, at, at + 4)
  count = count + 1
  if late ~= '' and clock > tonumber(late) then
    answers[count] = { err = 'LATE ' .. integer(clock) }
  else
    local ok, answer = pcall(steps[name], tonumber(hold), KEYS[others + leases], lists[tonumber(list)], at + 5)
    -- Before Redis 7 an error is a text.
    answers[count] = ok and answer or { err = type(answer) == 'table' and answer.err or answer }
  end
  at = at + sizes[name]
end
save_counters()
save_usages()
return answers`,
  { late: 'act' },
);
