/**
 * Counters in Lua: a ledger that reads each once in a run, and writes once what the run has changed.
 *
 * A counter is the text `used held expiry`; while nothing is held on it, it expires by itself.
 */

/** The texts of counters and holds: they are the first of KEYS, as many as ARGV[3] says. The others come after them. */
export const TEXTS = `
local others = tonumber(ARGV[3])
local texts = redis.call('MGET', unpack(KEYS, 1, others))
`;

/** Needs {@link TEXTS}. */
export const LEDGER = `
local counters, changed = {}, {}

local function counter_at(at)
  local counter = counters[at]
  if counter then return counter end
  local used, held, expires = string.match(texts[at] or '', '^(%d+) (%d+) (%d+)$')
  used, held, expires = tonumber(used) or 0, tonumber(held) or 0, tonumber(expires) or 0
  counter = { at = at, used = used, held = held, expires = expires, changed = false }
  if held == 0 and expires <= now then counter.used = 0 end
  counters[at] = counter
  return counter
end

local function add(claim, used, held)
  local counter = claim.counter
  counter.used = math.max(0, counter.used + used)
  counter.held = math.max(0, counter.held + held)
  if claim.expires > counter.expires then counter.expires = claim.expires end
  if counter.changed then return end
  counter.changed = true
  changed[#changed + 1] = counter
end

local function save_counters()
  local held = {}
  for _, counter in ipairs(changed) do
    local text = string.format('%d %d %d', counter.used, counter.held, counter.expires)
    if counter.held > 0 then
      held[#held + 1] = KEYS[counter.at]
      held[#held + 1] = text
    elseif counter.expires > now then
      redis.call('SET', KEYS[counter.at], text, 'PX', integer(counter.expires - now))
    else
      redis.call('DEL', KEYS[counter.at])
    end
  end
  if #held > 0 then redis.call('MSET', unpack(held)) end
end
`;

/**
 * The arithmetic of ../quota.ts. `room_for` gives the index of the first claim without room for its requests (where
 * these are asked for) and so many tokens, nil where all have; and then what is left of tokens, nil where no token
 * counter has a limit.
 */
export const GRANTS = `
local function room_for(claims, requests, tokens)
  local left
  for at, claim in ipairs(claims) do
    if claim.max then
      local room = claim.max - claim.counter.used - claim.counter.held
      if claim.tokens then
        if room < tokens then return at end
        if not left or room < left then left = room end
      elseif requests and room < claim.requests then
        return at
      end
    end
  end
  return nil, left
end

local function grant(left, least, most, share)
  if not left then return tonumber(most) end
  return least + math.min(most - least, math.floor((left - least) / share))
end
`;
