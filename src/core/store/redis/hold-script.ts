/**
 * Holds in Lua. A hold is the text `active until tokens known`, a line feed, and its body (JSON, for the sweep): until
 * when its lease runs, and the figures that are known. An ended one is `settled until 0`, or `expired until 0 known`:
 * until when it is remembered.
 */

/** Needs the texts of the first of KEYS. */
export const HOLDS = String.raw`
local rewritten = {}

local function text_of(at)
  local key = KEYS[at]
  local text = rewritten[key] or texts[at]
  if text then return text end
  -- Earlier versions wrote a hash. What is neither a text nor a hash is an error here.
  local state, till, tokens, known, body =
    unpack(redis.call('HMGET', key, 'state', 'until', 'tokens', 'known', 'body'))
  if not state then return '' end
  return state .. ' ' .. till .. ' ' .. (tokens or '0') .. ' ' .. (known or '') .. '\n' .. (body or '')
end

-- State, until, tokens, known, and where the body starts; nothing where the hold is unknown or forgotten.
local function parse(text)
  local state, till, tokens, known, body = string.match(text, '^(%l+) (%d+) (%d+) ?([^\n]*)\n?()')
  till = tonumber(till)
  if not state or (state ~= 'active' and till <= now) then return nil end
  return state, till, tokens, known, body
end

local function write_hold(at, text, ...)
  local written = redis.call('SET', KEYS[at], text, ...)
  if written then rewritten[KEYS[at]] = text end
  return written
end
`;
