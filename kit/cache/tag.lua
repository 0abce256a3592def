-- tag.lua: enters a key into the index of a tag, and says when the tag was last invalidated.
--
-- KEYS[1] index    sorted set: the keys that bear the tag, by the time at which their values are gone, in microseconds
-- KEYS[2] stamp    string: when the tag was last invalidated, in microseconds
-- ARGV[1] member   the key of the cache
-- ARGV[2] life_ms  how long its value can stand, milliseconds, > 0
-- Returns {now_us, stamp_us}, by the clock of this server; 0 for never
-- Complexity O(log n) in the keys that bear the tag, and O(m) for m that are gone

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2]) * 1000), ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], math.ceil((tonumber(last[2]) - now) / 1000))
return {now, tonumber(redis.call('GET', KEYS[2]) or '0')}
