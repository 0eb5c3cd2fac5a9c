/** What is asked of quotas besides their steps. */
import { LEDGER, TEXTS } from './counter-script.js';
import { HOLDS } from './hold-script.js';
import { script } from './script.js';

/** KEYS: counters. ARGV: their number. Used and held of each. */
export const COUNT = script(
  `${TEXTS}${LEDGER}
local reply = {}
for at = 1, #KEYS do
  local counter = counter_at(at)
  reply[2 * at - 1] = counter.used
  reply[2 * at] = counter.held
end
return reply`,
  { late: 'act' },
);

/** KEYS: holds. ARGV: their number. The body of each, empty where it is not active. */
export const BODIES = script(
  `${TEXTS}${HOLDS}
local bodies = {}
for at = 1, #KEYS do
  local text = text_of(at)
  local state, _, _, _, body = parse(text)
  bodies[at] = state == 'active' and string.sub(text, body) or ''
end
return bodies`,
  { late: 'act' },
);

/** KEYS: leases. ARGV: how many at most. Ids of holds whose lease has run out, the oldest first. */
export const OVERDUE = script(
  `return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', integer(now), 'LIMIT', 0, ARGV[3])`,
  { late: 'act' },
);
