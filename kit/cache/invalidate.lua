-- invalidate.lua: removes an entry, and with its lease the right of a load under way to store what it read before.
--
-- KEYS[1] value   string: the entry
-- KEYS[2] lease   string: who loads or writes the entry
-- ARGV[1] lag_ms  how long nobody may load, because a replica of the database may still answer with the old; milliseconds, 0 for none
-- Returns 1 when there was a value, 0 when there was none
-- Complexity O(n) in the length of the value and the writes of this entry that are at work
--
-- A write keeps its lease, for readers must wait until its database has it; but
-- it is no longer alone, so it will leave no value.

local removed = redis.call('DEL', KEYS[1])
local lease = redis.call('GET', KEYS[2])
local kind = lease and string.sub(lease, 1, 2)
if kind == 'w:' or kind == 'c:' then
  redis.call('SET', KEYS[2], 'c:' .. string.sub(lease, 3), 'KEEPTTL')
elseif tonumber(ARGV[1]) > 0 then
  redis.call('SET', KEYS[2], 't:', 'PX', ARGV[1])
elseif lease then
  redis.call('DEL', KEYS[2])
end
return removed
