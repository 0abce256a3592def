-- stamp.lua: notes that a tag is being invalidated now.
--
-- KEYS[1] stamp   string: when the tag was last invalidated, in microseconds
-- ARGV[1] ttl_ms  how long that matters: longer than any load, milliseconds, > 0
-- Returns 1
-- Complexity O(1)
--
-- The stamp never goes back, even if the clock does.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
redis.call('SET', KEYS[1], string.format('%.0f', math.max(now, last)), 'PX', ARGV[1])
return 1
