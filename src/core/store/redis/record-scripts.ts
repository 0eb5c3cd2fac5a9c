/**
 * The steps of records. KEYS: the rows (id -> text), the index (field and id, in the order of bytes), the expiry.
 *
 * A row is `version expiry fields`, a line feed, and its value, so that a script gets at the first three without
 * decoding the value, which JSON in Lua would not leave as it is. The fields are a list of `["name","value"]` as text;
 * the index has an entry for each of them, the id appended, and one for `[]`, which every row has.
 */
import { script } from './script.js';

const ROWS = String.raw`
local function parse(text)
  if not text then return nil end
  local version, expires, fields, value = string.match(text, '^(%d+) (%d*) ([^\n]*)\n(.*)$')
  return { version = tonumber(version), expires = tonumber(expires), fields = fields, value = value }
end

local function alive(row)
  return row and (not row.expires or row.expires > now)
end

local function read(id)
  local text = redis.call('HGET', KEYS[1], id)
  local row = parse(text)
  return alive(row) and text, row
end

local function remove(id, row)
  for _, field in ipairs(cjson.decode(row.fields)) do redis.call('ZREM', KEYS[2], field .. id) end
  redis.call('ZREM', KEYS[2], '[]' .. id)
  redis.call('ZREM', KEYS[3], id)
  redis.call('HDEL', KEYS[1], id)
end

local function write(id, version, expires, fields, value)
  local head = integer(version) .. ' ' .. (expires and integer(expires) or '') .. ' ' .. fields
  redis.call('HSET', KEYS[1], id, head .. '\n' .. value)
  redis.call('ZADD', KEYS[2], 0, '[]' .. id)
  for _, field in ipairs(cjson.decode(fields)) do redis.call('ZADD', KEYS[2], 0, field .. id) end
  if expires then redis.call('ZADD', KEYS[3], integer(expires), id) end
end
`;

/** ARGV: ids. The rows as texts, nil for those that are absent. */
export const READ = script(
  `${ROWS}
local texts = {}
for at = 3, #ARGV do texts[#texts + 1] = read(ARGV[at]) or false end
return texts`,
  { late: 'act' },
);

/** ARGV: id, value, fields, expiry. 1, or 0 where a row of that id is alive. */
export const CREATE = script(
  `${ROWS}
local id, value, fields, expires = unpack(ARGV, 3)
local text, old = read(id)
if text then return 0 end
if old then remove(id, old) end
write(id, 1, tonumber(expires), fields, value)
return 1`,
  { late: 'refuse' },
);

/** ARGV: id, version, value, fields, expiry; the last two empty where they stay. 1, or 0 where there is no such version. */
export const UPDATE = script(
  `${ROWS}
local id, version, value, fields, expires = unpack(ARGV, 3)
local text, old = read(id)
if not text or old.version ~= tonumber(version) then return 0 end
remove(id, old)
if fields == '' then fields = old.fields end
write(id, old.version + 1, tonumber(expires) or old.expires, fields, value)
return 1`,
  { late: 'refuse' },
);

/** ARGV: id, version (empty: whichever it is). The row as text, or nil where there was none. */
export const REMOVE = script(
  `${ROWS}
local id, version = unpack(ARGV, 3)
local text, old = read(id)
if not text or (version ~= '' and old.version ~= tonumber(version)) then return false end
remove(id, old)
return text`,
  { late: 'refuse' },
);

/** ARGV: field, id to start after, limit. Ids and texts in turn, ordered by id. */
export const LIST = script(
  String.raw`${ROWS}
local field, after, limit = ARGV[3], ARGV[4], tonumber(ARGV[5])
local found = {}
local from, to = '(' .. field .. after, '(' .. field .. '\255'
while true do
  local entries = redis.call('ZRANGEBYLEX', KEYS[2], from, to, 'LIMIT', 0, limit)
  for _, entry in ipairs(entries) do
    if #found == 2 * limit then return found end
    local id = string.sub(entry, #field + 1)
    local text = read(id)
    if text then
      found[#found + 1] = id
      found[#found + 1] = text
    end
  end
  if #entries < limit or limit == 0 then return found end
  from = '(' .. entries[#entries]
end`,
  { late: 'act' },
);

/** ARGV: how many at most. The number of expired rows that were removed. */
export const FORGET = script(
  `${ROWS}
local ids = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', integer(now), 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  local row = parse(redis.call('HGET', KEYS[1], id))
  if row then remove(id, row) else redis.call('ZREM', KEYS[3], id) end
end
return #ids`,
  { late: 'act' },
);
