-- stats.lua: what a shard holds and has done.
--
-- KEYS[1] pending  hash: key to entry
-- KEYS[2] since    zset: key by the time of its oldest write that is not flushed, ms
-- KEYS[3] dead     hash: key to dead letter
-- KEYS[4] meta     hash: last version, counters
-- ARGV none
-- Returns {pending, dead, age of the oldest pending write in ms, flushed, coalesced, died}
-- Complexity O(log n) for n pending keys of the shard
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local age = 0
if oldest[2] then
  age = math.max(now - oldest[2], 0)
end
local counts = redis.call('HMGET', KEYS[4], 'flushed', 'coalesced', 'died')
return {redis.call('HLEN', KEYS[1]), redis.call('HLEN', KEYS[3]), age,
  tonumber(counts[1] or '0'), tonumber(counts[2] or '0'), tonumber(counts[3] or '0')}
